//! The source of the market's trades: the mock market, or a tape.

use std::{collections::BTreeSet, convert::Infallible, iter, path::PathBuf};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::{
    config::{SourceSettings, TapeStart},
    market::Market,
    mock::Mock,
    replay::{self, Speed},
    report::report,
    tape::Tape,
};

/// Symbols of the mock market when none are given.
const MOCK_SYMBOLS: [&str; 3] = ["AAPL", "GOOGL", "MSFT"];

/// How many trades are read ahead to find a tape's symbols before it is played. Symbols that
/// occur later are published from their first trade on.
const LOOK_AHEAD: usize = 50_000;

/// A source of trades, ready to run.
#[derive(Debug, Clone)]
pub struct TradeSource {
    origin: Origin,
    symbols: Vec<String>,
    follow: bool,
}

#[derive(Debug, Clone)]
enum Origin {
    Mock { seed: u64, start: Option<i64>, history: u32 },
    Tape { files: Vec<PathBuf>, speed: Speed, start: TapeStart },
}

impl TradeSource {
    /// Creates the source of these settings. Blocks to read the beginning of a tape if no symbols
    /// are given.
    pub fn new(settings: &SourceSettings, symbols: Option<&[String]>) -> Self {
        if settings.tape.is_empty() {
            let symbols = symbols.map_or_else(|| MOCK_SYMBOLS.map(str::to_owned).to_vec(), <[_]>::to_vec);
            let origin = Origin::Mock { seed: settings.seed, start: settings.start, history: settings.mock_history };
            return Self { origin, symbols, follow: false };
        }
        let files = settings.tape.clone();
        let follow = symbols.is_none();
        let symbols = symbols.map_or_else(|| symbols_of(&files), <[_]>::to_vec);
        Self { origin: Origin::Tape { files, speed: settings.speed, start: settings.tape_start }, symbols, follow }
    }

    /// Returns the symbols to publish: the given ones, or the source's own.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Returns true if symbols that occur later are published too.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// Plays the trades into the market. A tape may wait for a subscription first.
    ///
    /// # Cancel safety
    /// Dropping the future stops the source; the market keeps its bars.
    pub async fn run(self, market: &Market, subscribed: impl Future<Output = ()>) {
        match self.origin {
            Origin::Mock { seed, start, history } => {
                let (begun, start) = (Instant::now(), start.unwrap_or_else(|| Timestamp::now().as_millisecond()));
                let mut mock = Mock::new(seed, start - i64::from(history) * 1_000, &self.symbols).peekable();
                let past = iter::from_fn(|| mock.next_if(|trade| trade.time < start)).map(Ok::<_, Infallible>);
                let Ok(past) = replay::play(stream::iter(past), Speed::Max, None, market).await;
                // Time passed while the past was played.
                let now = start.saturating_add(i64::try_from(begun.elapsed().as_millis()).unwrap_or(0));
                info!(seed, start, past, "mock market started");
                let mock = stream::iter(mock).map(Ok::<_, Infallible>);
                let Ok(_) = replay::play(mock, Speed::Times(1.0), Some(now), market).await;
            }
            Origin::Tape { files, speed, start } => {
                if start == TapeStart::FirstSubscription {
                    info!("the tape waits for the first subscription");
                    subscribed.await;
                }
                info!(?files, %speed, "tape started");
                match replay::play(replay::read(Tape::new(files)), speed, None, market).await {
                    Ok(trades) => info!(trades, "tape ended"),
                    Err(error) => error!("{}; the bars before it stay available", report(&error)),
                }
            }
        }
    }
}

/// Returns the symbols of the first trades of a tape, sorted.
fn symbols_of(files: &[PathBuf]) -> Vec<String> {
    let mut symbols = BTreeSet::new();
    for trade in Tape::new(files.to_vec()).take(LOOK_AHEAD) {
        match trade {
            Ok(trade) if symbols.contains(&*trade.symbol) => {}
            Ok(trade) => {
                symbols.insert(trade.symbol.to_string());
            }
            // Playing the tape will fail at the same position, so this is only a warning.
            Err(error) => warn!("{}", report(&error)),
        }
    }
    if symbols.is_empty() {
        warn!(?files, "the tape has no trades");
    }
    symbols.into_iter().collect()
}
