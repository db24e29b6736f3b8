//! The entry of trades: stores their bars and publishes bars that ended.

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
    history::{HistoryRequest, HistoryResponse},
    resolution::Resolution,
    trade::Trade,
};

/// The bars and their broadcaster.
///
/// A bar's final state is published when the bar ends, while the store is locked. So no later
/// trade comes first, however fast trades arrive, and history never shows a bar whose
/// predecessor is not published yet.
pub struct Market {
    candles: Mutex<Candles>,
    broadcaster: BarBroadcaster,
    follow: bool,
}

impl Market {
    /// Creates a market without trades. With `follow`, every symbol is published once it is
    /// traded; otherwise only the broadcaster's symbols are.
    pub fn new(candles: Candles, broadcaster: BarBroadcaster, follow: bool) -> Self {
        Self { candles: Mutex::new(candles), broadcaster, follow }
    }

    /// Applies a trade.
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

    /// Advances the clock without a trade.
    pub fn advance(&self, now: i64) -> Change {
        let mut candles = self.candles();
        let change = candles.advance(now);
        if change == Change::Ended {
            self.broadcaster.settle(&candles);
        }
        change
    }

    /// Returns the bars that start within the given times (milliseconds), in order.
    pub fn bars(&self, symbol: &str, resolution: Resolution, times: Range<i64>) -> Vec<Bar> {
        self.candles().range(symbol, resolution, times).map(Bar::from).collect()
    }

    /// Answers a history request from a consistent state of the store.
    pub fn history(&self, request: &HistoryRequest) -> HistoryResponse {
        let candles = self.candles();
        let position = self.broadcaster.position(&candles, &request.symbol, request.resolution);
        HistoryResponse::of(&candles, position, request)
    }

    /// Returns the broadcaster, for its metrics.
    pub fn broadcaster(&self) -> &BarBroadcaster {
        &self.broadcaster
    }

    /// Starts the broadcaster. The future runs its loop, and stops it when dropped.
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
            // After a stall, one bar replaces the ticks that were missed.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                market.broadcaster.tick(&market.candles());
            }
        }
    }

    fn candles(&self) -> MutexGuard<'_, Candles> {
        // Every change leaves the store consistent, so a panic of another thread does no harm.
        self.candles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
