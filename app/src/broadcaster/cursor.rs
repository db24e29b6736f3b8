//! The position of one topic in the bars of its symbol and resolution.

use topicast::Position;
use tracing::warn;

use crate::{
    bar::Bar,
    candles::{Candle, Candles},
    publish::BarTopic,
    resolution::Resolution,
};

/// What the broadcaster has done.
#[derive(Default, Clone, Copy)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) skipped: u64,
    pub(super) errors: u64,
}

/// One topic, and the last bar that was published to it.
pub(super) struct Cursor {
    symbol: String,
    resolution: Resolution,
    topic: Box<dyn BarTopic>,
    last: Option<BarState>,
}

/// A state of a bar: it changes with every trade, and when the bar ends.
#[derive(Clone, Copy, PartialEq, Eq)]
struct BarState {
    start: i64,
    trades: u64,
    ended: bool,
}

impl Cursor {
    pub(super) fn new(symbol: &str, resolution: Resolution, topic: Box<dyn BarTopic>) -> Self {
        Self { symbol: symbol.to_owned(), resolution, topic, last: None }
    }

    /// Returns the position of the topic of this symbol and resolution.
    pub(super) fn position(&self, symbol: &str, resolution: Resolution) -> Option<Position> {
        (self.symbol == symbol && self.resolution == resolution).then(|| self.topic.position())
    }

    /// Publishes the final states of bars that ended, and at a tick the current bar.
    ///
    /// Without subscribers a tick publishes nothing, but final states are published: a client that
    /// returns recovers them from the topic's history.
    pub(super) fn advance(&mut self, candles: &Candles, tick: bool, counts: &mut Counts) {
        if tick && self.topic.subscribers() == 0 {
            counts.skipped += 1;
            return;
        }
        let mut published = false;
        let from = self.last.map_or(i64::MIN, |last| last.start);
        for candle in candles.range(&self.symbol, self.resolution, from..i64::MAX) {
            let state = BarState::of(candle, candles);
            if state.ended && self.last != Some(state) {
                self.last = Some(state);
                self.publish(candle, counts);
                published = true;
            }
        }
        if !tick {
            return;
        }
        match candles.current(&self.symbol, self.resolution) {
            Some(candle) => {
                let state = Some(BarState::of(candle, candles));
                // The current bar may just have been published as a final state.
                if !(published && self.last == state) {
                    self.last = state;
                    self.publish(candle, counts);
                }
            }
            None => counts.skipped += 1,
        }
    }

    /// Moves to the current bar without publishing.
    pub(super) fn skip(&mut self, candles: &Candles) {
        self.last = candles.current(&self.symbol, self.resolution).map(|candle| BarState::of(candle, candles));
    }

    fn publish(&self, candle: &Candle, counts: &mut Counts) {
        let sends = self.topic.subscribers() > 0;
        match self.topic.publish(&Bar::from(candle)) {
            Ok(()) => counts.sent += u64::from(sends),
            Err(error) => {
                counts.errors += 1;
                warn!(symbol = self.symbol, resolution = %self.resolution, %error, "failed to publish a bar");
            }
        }
    }
}

impl BarState {
    fn of(candle: &Candle, candles: &Candles) -> Self {
        Self { start: candle.start, trades: candle.trades, ended: candles.has_ended(candle) }
    }
}
