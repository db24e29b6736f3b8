//! Publishes the current bars every interval, and each bar's final state when it ends.

mod cursor;

use std::{
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use topicast::Position;
use tracing::info;

use crate::{
    candles::Candles,
    publish::{BarPublisher, BoxError},
    resolution::Resolution,
};
use cursor::{Counts, Cursor};

/// Publishes current bars to the topics that have subscribers, and final states to all.
///
/// The broadcaster stores no bars: [`tick`](Self::tick) and [`settle`](Self::settle) read the
/// store and publish what each topic lacks. So a bar's final state is published before the next
/// bar's first state, whatever the interval, and times never go back: a late trade that revises
/// an older bar changes history only. Without trades the current bar is the last one; a symbol
/// that was never traded has none, and its ticks are skipped.
pub struct BarBroadcaster {
    interval: Duration,
    resolutions: Vec<Resolution>,
    publisher: Box<dyn BarPublisher>,
    state: Mutex<State>,
}

/// The settings and counters of a broadcaster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Whether it publishes; false when it is disabled.
    pub is_running: bool,
    /// Seconds between two ticks.
    pub interval: f64,
    /// Symbols that are published.
    pub symbols: Vec<String>,
    /// Resolutions that are published.
    pub resolutions: Vec<Resolution>,
    /// Bars published to subscribers: one for each topic and tick, and one for each final state.
    pub broadcasts_sent: u64,
    /// Topics skipped at a tick because they had no subscribers or no trades yet.
    pub broadcasts_skipped: u64,
    /// Bars that could not be published.
    pub errors: u64,
}

#[derive(Default)]
struct State {
    running: bool,
    symbols: Vec<String>,
    cursors: Vec<Cursor>,
    counts: Counts,
}

impl BarBroadcaster {
    /// Creates a broadcaster, which publishes once it is [started](Self::start).
    ///
    /// # Errors
    /// Returns an error if a symbol can have no topic.
    pub fn new(
        interval: Duration,
        symbols: &[String],
        resolutions: Vec<Resolution>,
        publisher: Box<dyn BarPublisher>,
    ) -> Result<Self, BoxError> {
        let broadcaster = Self { interval, resolutions, publisher, state: Mutex::default() };
        for symbol in symbols {
            broadcaster.add(symbol)?;
        }
        Ok(broadcaster)
    }

    /// Returns the time between two ticks.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Adds a symbol, unless it was added before.
    ///
    /// # Errors
    /// Returns an error if the symbol can have no topic.
    pub fn add(&self, symbol: &str) -> Result<(), BoxError> {
        let mut state = self.state();
        if state.symbols.iter().any(|known| known == symbol) {
            return Ok(());
        }
        let open =
            |&resolution: &Resolution| Ok(Cursor::new(symbol, resolution, self.publisher.open(symbol, resolution)?));
        let cursors = self.resolutions.iter().map(open).collect::<Result<Vec<_>, BoxError>>()?;
        state.cursors.extend(cursors);
        state.symbols.push(symbol.to_owned());
        Ok(())
    }

    /// Starts to publish. Bars that ended before are not published.
    pub fn start(&self, candles: &Candles) {
        let mut state = self.state();
        for cursor in &mut state.cursors {
            cursor.skip(candles);
        }
        state.running = true;
        info!(
            "📡 Bar broadcaster started: symbols={}, interval={:?}s",
            list(&state.symbols),
            self.interval.as_secs_f64()
        );
    }

    /// Stops publishing.
    pub fn stop(&self) {
        self.state().running = false;
    }

    /// Publishes the current bar of every topic that has subscribers, changed or not.
    pub fn tick(&self, candles: &Candles) {
        let mut state = self.state();
        let State { running: true, cursors, counts, .. } = &mut *state else { return };
        for cursor in cursors {
            cursor.advance(candles, true, counts);
        }
    }

    /// Publishes the final states of bars that ended, or were revised afterwards, since the last call.
    pub fn settle(&self, candles: &Candles) {
        let mut state = self.state();
        let State { running: true, cursors, counts, .. } = &mut *state else { return };
        for cursor in cursors {
            cursor.advance(candles, false, counts);
        }
    }

    /// Returns the position of a topic, or `None` if the symbol and resolution are not published.
    ///
    /// The caller keeps `candles` locked, as it does when it publishes. So the store includes
    /// every bar up to the position, and every later change of the current bar follows it.
    pub fn position(&self, _candles: &Candles, symbol: &str, resolution: Resolution) -> Option<Position> {
        self.state().cursors.iter().find_map(|cursor| cursor.position(symbol, resolution))
    }

    /// Returns the settings and counters.
    pub fn metrics(&self) -> Metrics {
        let state = self.state();
        Metrics {
            is_running: state.running,
            interval: self.interval.as_secs_f64(),
            symbols: state.symbols.clone(),
            resolutions: self.resolutions.clone(),
            broadcasts_sent: state.counts.sent,
            broadcasts_skipped: state.counts.skipped,
            errors: state.counts.errors,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state consistent, so a panic of another thread does no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Formats a list for the start line: `['AAPL', 'GOOGL']`.
fn list(symbols: &[String]) -> String {
    let mut text = String::from("[");
    for (at, symbol) in symbols.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        let escaped = symbol.replace('\\', "\\\\").replace('\'', "\\'");
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}'{escaped}'");
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests;
