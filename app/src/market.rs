//! The one place where trades come in: it keeps the bars and has the finished ones sent.

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::{self, Instant, MissedTickBehavior};
use tracing::warn;

use crate::{
    bar::Bar,
    broadcaster::BarBroadcaster,
    candles::{Candles, Change},
    history::{History, HistoryRequest},
    resolution::Resolution,
    trade::Trade,
};

/// The bars and their broadcaster.
///
/// A bar's final state is published in the same breath in which it ends, while the
/// store is locked: no later trade comes between, however fast trades come, and who
/// reads history never sees a bar begin whose predecessor has yet to go out.
pub struct Market {
    candles: Mutex<Candles>,
    broadcaster: BarBroadcaster,
    follow: bool,
}

impl Market {
    /// A market without trades. With `follow`, symbols are published once they are traded;
    /// without, only those that the broadcaster has.
    pub fn new(candles: Candles, broadcaster: BarBroadcaster, follow: bool) -> Self {
        Self { candles: Mutex::new(candles), broadcaster, follow }
    }

    /// Takes in a trade.
    pub fn apply(&self, trade: &Trade) -> Change {
        let mut candles = self.candles();
        let unknown = !candles.knows(&trade.symbol);
        let change = candles.apply(trade);
        if self.follow
            && unknown
            && let Err(error) = self.broadcaster.add(&trade.symbol)
        {
            warn!(symbol = &*trade.symbol, %error, "a traded symbol is not published");
        }
        if change == Change::Ended {
            self.broadcaster.settle(&candles);
        }
        change
    }

    /// Moves time on without a trade.
    pub fn advance(&self, now: i64) -> Change {
        let mut candles = self.candles();
        let change = candles.advance(now);
        if change == Change::Ended {
            self.broadcaster.settle(&candles);
        }
        change
    }

    /// The bars that start within the given times (milliseconds), in order.
    pub fn bars(&self, symbol: &str, resolution: Resolution, times: Range<i64>) -> Vec<Bar> {
        self.candles().range(symbol, resolution, times).map(Bar::from).collect()
    }

    /// The bars of a request, all in the state of one moment.
    pub fn history(&self, request: &HistoryRequest) -> History {
        History::of(&self.candles(), request)
    }

    /// The broadcaster, for its metrics.
    pub fn broadcaster(&self) -> &BarBroadcaster {
        &self.broadcaster
    }

    /// Starts the broadcaster; the future is its loop, and ends it when it is dropped.
    pub fn broadcast(self: Arc<Self>) -> impl Future<Output = ()> + Send + 'static {
        struct Running(Arc<Market>);
        impl Drop for Running {
            fn drop(&mut self) {
                self.0.broadcaster.stop();
            }
        }

        self.broadcaster.start(&self.candles());
        let running = Running(self);
        async move {
            let market = &running.0;
            let interval = market.broadcaster.interval();
            let mut ticks = time::interval_at(Instant::now() + interval, interval);
            // After a stall one bar is as good as the many that were missed.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                market.broadcaster.tick(&market.candles());
            }
        }
    }

    fn candles(&self) -> MutexGuard<'_, Candles> {
        // Every change of the store leaves it whole, so a panic elsewhere does not spoil it.
        self.candles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
