//! Where the market's trades come from: the mock, or a tape.

use std::{collections::BTreeSet, convert::Infallible, iter, path::PathBuf};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::{
    config::{FeedSettings, TapeStart},
    market::Market,
    mock::Mock,
    replay::{self, Speed},
    report::report,
    tape::Tape,
};

/// Symbols of the mock market when none are given.
const MOCK_SYMBOLS: [&str; 3] = ["AAPL", "GOOGL", "MSFT"];

/// How many trades are looked at to tell a tape's symbols before it is played. Those
/// that come later are published from their first trade on.
const LOOK_AHEAD: usize = 50_000;

/// A source of trades that is ready to run.
#[derive(Debug, Clone)]
pub struct Feed {
    source: Source,
    symbols: Vec<String>,
    follow: bool,
}

#[derive(Debug, Clone)]
enum Source {
    Mock { seed: u64, start: Option<i64>, history: u32 },
    Tape { files: Vec<PathBuf>, speed: Speed, start: TapeStart },
}

impl Feed {
    /// The feed of these settings. Reads the beginning of a tape when no symbols are given,
    /// and blocks meanwhile.
    pub fn new(settings: &FeedSettings, symbols: Option<&[String]>) -> Self {
        if settings.tape.is_empty() {
            let symbols = symbols.map_or_else(|| MOCK_SYMBOLS.map(str::to_owned).to_vec(), <[_]>::to_vec);
            let source = Source::Mock { seed: settings.seed, start: settings.start, history: settings.mock_history };
            return Self { source, symbols, follow: false };
        }
        let files = settings.tape.clone();
        let follow = symbols.is_none();
        let symbols = symbols.map_or_else(|| symbols_of(&files), <[_]>::to_vec);
        Self { source: Source::Tape { files, speed: settings.speed, start: settings.tape_start }, symbols, follow }
    }

    /// The symbols to publish: those that were given, or the feed's own.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Whether symbols that turn up later are to be published too.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// Plays the trades into the market. A tape may wait for a subscription first.
    ///
    /// # Cancel safety
    /// Dropping the future stops the feed; the market keeps what it has.
    pub async fn run(self, market: &Market, subscribed: impl Future<Output = ()>) {
        match self.source {
            Source::Mock { seed, start, history } => {
                let (begun, start) = (Instant::now(), start.unwrap_or_else(|| Timestamp::now().as_millisecond()));
                let mut mock = Mock::new(seed, start - i64::from(history) * 1_000, &self.symbols).peekable();
                let past = iter::from_fn(|| mock.next_if(|trade| trade.time < start)).map(Ok::<_, Infallible>);
                let Ok(past) = replay::play(stream::iter(past), Speed::Max, None, market).await;
                // The clock went on meanwhile.
                let now = start.saturating_add(i64::try_from(begun.elapsed().as_millis()).unwrap_or(0));
                info!(seed, start, past, "mock feed started");
                let mock = stream::iter(mock).map(Ok::<_, Infallible>);
                let Ok(_) = replay::play(mock, Speed::Times(1.0), Some(now), market).await;
            }
            Source::Tape { files, speed, start } => {
                if start == TapeStart::FirstSubscription {
                    info!("the tape waits for the first subscription");
                    subscribed.await;
                }
                info!(?files, %speed, "tape started");
                match replay::play(replay::read(Tape::new(files)), speed, None, market).await {
                    Ok(trades) => info!(trades, "tape ended"),
                    Err(error) => error!("{}; what was read before stays served", report(&error)),
                }
            }
        }
    }
}

/// The symbols that the first trades of a tape have, sorted.
fn symbols_of(files: &[PathBuf]) -> Vec<String> {
    let mut symbols = BTreeSet::new();
    for trade in Tape::new(files.to_vec()).take(LOOK_AHEAD) {
        match trade {
            Ok(trade) if symbols.contains(&*trade.symbol) => {}
            Ok(trade) => {
                symbols.insert(trade.symbol.to_string());
            }
            // Playing the tape will fail at the same place, so here it is a warning.
            Err(error) => warn!("{}", report(&error)),
        }
    }
    if symbols.is_empty() {
        warn!(?files, "no trades were found in the tape");
    }
    symbols.into_iter().collect()
}
