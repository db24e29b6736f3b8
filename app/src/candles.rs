//! The store of bars: the candles of every symbol and resolution, computed from trades.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use rust_decimal::Decimal;

use crate::{bar::Bar, bucket, ids::Ids, resolution::Resolution, trade::Trade};

/// The store of bars, which both live updates and history read.
///
/// Bars depend on the set of trades only, not on their order: a late trade revises its own bar,
/// a duplicate counts once, and a bucket without trades has no bar. Sums are exact decimals. The
/// clock is set by trades and [`advance`](Self::advance), is the same for all symbols, and never
/// goes back.
#[derive(Debug)]
pub struct Candles {
    symbols: HashMap<Arc<str>, Instrument>,
    clock: Option<i64>,
    history: usize,
}

/// A bar with the metadata of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candle {
    /// Start of the bucket, in milliseconds.
    pub start: i64,
    /// End of the bucket, in milliseconds: the start of the next one.
    pub end: i64,
    /// Price of the first trade.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Price of the last trade.
    pub close: Decimal,
    /// Sum of the quantities.
    pub volume: Decimal,
    /// Number of trades, which grows whenever the bar changes.
    pub trades: u64,
    opened: (i64, u64),
    closed: (i64, u64),
}

/// The effect of a trade, or of the passing of time, on the bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// None: no bar ended, and the trade is a duplicate or too old.
    Nothing,
    /// Bars that have not ended changed.
    Current,
    /// A bar may have ended, or an ended bar was revised.
    Ended,
}

impl Candles {
    /// Creates an empty store that keeps at most `history` bars (at least one) for each symbol and
    /// resolution.
    pub fn new(history: usize) -> Self {
        Self { symbols: HashMap::new(), clock: None, history: history.max(1) }
    }

    /// Adds a trade to its bar at every resolution, and advances the clock to it.
    pub fn apply(&mut self, trade: &Trade) -> Change {
        let passed = self.advance(trade.time);
        let clock = self.clock.unwrap_or(trade.time);
        let instrument = match self.symbols.get_mut(&trade.symbol) {
            Some(instrument) => instrument,
            None => self.symbols.entry(Arc::clone(&trade.symbol)).or_default(),
        };
        if !instrument.ids.insert(trade.id) {
            return passed;
        }
        let mut change = passed;
        for (bars, resolution) in instrument.bars.iter_mut().zip(Resolution::ALL) {
            if let Some(end) = bars.apply(resolution, trade, self.history) {
                let ended = end <= clock;
                change = match change {
                    Change::Ended => Change::Ended,
                    Change::Nothing | Change::Current if ended => Change::Ended,
                    Change::Nothing | Change::Current => Change::Current,
                };
            }
        }
        change
    }

    /// Advances the clock; an earlier time has no effect.
    pub fn advance(&mut self, now: i64) -> Change {
        let before = self.clock;
        if before.is_some_and(|before| now <= before) {
            return Change::Nothing;
        }
        self.clock = Some(now);
        // Bars of every resolution end at the end of a minute.
        let minute = |time| bucket::start(Resolution::M1, time);
        match before {
            Some(before) if minute(before) != minute(now) => Change::Ended,
            _ => Change::Nothing,
        }
    }

    /// Returns the time of the clock.
    pub fn clock(&self) -> Option<i64> {
        self.clock
    }

    /// Returns true if the clock has passed the end of a bar. A late trade may still revise it.
    pub fn has_ended(&self, candle: &Candle) -> bool {
        self.clock.is_some_and(|clock| candle.end <= clock)
    }

    /// Returns the latest bar, which has ended if there were no trades since.
    pub fn current(&self, symbol: &str, resolution: Resolution) -> Option<&Candle> {
        self.bars(symbol, resolution)?.candles.last_key_value().map(|(_, candle)| candle)
    }

    /// Returns the bars that start within the given times, in order.
    pub fn range(
        &self,
        symbol: &str,
        resolution: Resolution,
        times: Range<i64>,
    ) -> impl DoubleEndedIterator<Item = &Candle> {
        // A map's range panics if the start is after the end; here the result is empty.
        let times = times.start..times.end.max(times.start);
        self.bars(symbol, resolution)
            .into_iter()
            .flat_map(move |bars| bars.candles.range(times.clone()))
            .map(|(_, c)| c)
    }

    /// Returns true if this symbol was traded.
    pub fn knows(&self, symbol: &str) -> bool {
        self.symbols.contains_key(symbol)
    }

    fn bars(&self, symbol: &str, resolution: Resolution) -> Option<&CandleSeries> {
        self.symbols.get(symbol).map(|instrument| &instrument.bars[resolution as usize])
    }
}

impl From<&Candle> for Bar {
    fn from(candle: &Candle) -> Self {
        Self {
            time: candle.start,
            open: candle.open.into(),
            high: candle.high.into(),
            low: candle.low.into(),
            close: candle.close.into(),
            volume: candle.volume.into(),
        }
    }
}

impl Candle {
    fn new(resolution: Resolution, trade: &Trade) -> Self {
        Self {
            start: bucket::start(resolution, trade.time),
            end: bucket::end(resolution, trade.time),
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.quantity,
            trades: 1,
            opened: (trade.time, trade.id),
            closed: (trade.time, trade.id),
        }
    }

    fn apply(&mut self, trade: &Trade) {
        let moment = (trade.time, trade.id);
        if moment < self.opened {
            (self.opened, self.open) = (moment, trade.price);
        }
        if moment > self.closed {
            (self.closed, self.close) = (moment, trade.price);
        }
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        self.volume = self.volume.saturating_add(trade.quantity);
        self.trades += 1;
    }
}

/// The trades and bars of one symbol.
#[derive(Debug, Default)]
struct Instrument {
    ids: Ids,
    /// In the order of [`Resolution::ALL`].
    bars: [CandleSeries; Resolution::ALL.len()],
}

/// The bars of one symbol at one resolution.
#[derive(Debug, Default)]
struct CandleSeries {
    candles: BTreeMap<i64, Candle>,
}

impl CandleSeries {
    /// Adds a trade, and returns the end of its bar; `None` if the bar is no longer kept.
    fn apply(&mut self, resolution: Resolution, trade: &Trade, room: usize) -> Option<i64> {
        // Most trades belong to the newest bar; checking it first avoids calendar arithmetic.
        if let Some((_, newest)) = self.candles.iter_mut().next_back()
            && (newest.start..newest.end).contains(&trade.time)
        {
            newest.apply(trade);
            return Some(newest.end);
        }
        let start = bucket::start(resolution, trade.time);
        if let Some(candle) = self.candles.get_mut(&start) {
            candle.apply(trade);
            return Some(candle.end);
        }
        let candle = Candle::new(resolution, trade);
        let end = candle.end;
        self.candles.insert(start, candle);
        let gone = if self.candles.len() > room { self.candles.pop_first() } else { None };
        // The oldest bar is removed. If it is the new one, it was removed before and would lack trades.
        gone.is_none_or(|(oldest, _)| oldest != start).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn trade(id: u64, time: i64, price: i64, quantity: i64) -> Trade {
        Trade { symbol: "X".into(), id, time, price: Decimal::new(price, 2), quantity: Decimal::new(quantity, 8) }
    }

    fn filled(trades: &[Trade]) -> Candles {
        let mut candles = Candles::new(1_000);
        for trade in trades {
            let _ = candles.apply(trade);
        }
        candles
    }

    fn all(candles: &Candles, resolution: Resolution) -> Vec<Candle> {
        candles.range("X", resolution, i64::MIN..i64::MAX).cloned().collect()
    }

    #[test]
    fn a_bar_is_made_of_the_trades_of_its_bucket() {
        let candles = filled(&[
            trade(1, 10, 100, 1),
            trade(2, 20, 150, 2),
            trade(3, 30, 90, 3),
            trade(4, MINUTE - 1, 110, 4),
            trade(5, MINUTE, 120, 5),
        ]);
        let bars = all(&candles, Resolution::M1);
        assert_eq!(bars.len(), 2);
        let first = Bar::from(&bars[0]);
        let number = |value, scale| Decimal::new(value, scale).into();
        assert_eq!(
            first,
            Bar {
                time: 0,
                open: number(100, 2),
                high: number(150, 2),
                low: number(90, 2),
                close: number(110, 2),
                volume: number(10, 8),
            }
        );
        assert_eq!((bars[1].start, bars[1].trades), (MINUTE, 1));
        assert_eq!(all(&candles, Resolution::M5).len(), 1);
        assert_eq!(candles.current("X", Resolution::M1), bars.last());
        assert_eq!(candles.current("Y", Resolution::M1), None);
    }

    #[test]
    fn an_empty_bucket_has_no_bar() {
        let candles = filled(&[trade(1, 0, 100, 1), trade(2, 3 * MINUTE, 100, 1)]);
        let starts: Vec<_> = all(&candles, Resolution::M1).iter().map(|candle| candle.start).collect();
        assert_eq!(starts, [0, 3 * MINUTE]);
    }

    #[test]
    fn a_late_trade_revises_its_own_bar() {
        let mut candles = filled(&[trade(2, 100, 100, 1), trade(3, MINUTE, 120, 1)]);
        assert_eq!(candles.apply(&trade(1, 50, 80, 1)), Change::Ended);
        let bars = all(&candles, Resolution::M1);
        assert_eq!((bars[0].open, bars[0].close), (Decimal::new(80, 2), Decimal::new(100, 2)));
        assert_eq!(bars[1].trades, 1);
        assert_eq!(candles.clock(), Some(MINUTE));
    }

    #[test]
    fn a_trade_counts_once() {
        let mut candles = filled(&[trade(1, 0, 100, 1)]);
        assert_eq!(candles.apply(&trade(1, 0, 100, 1)), Change::Nothing);
        assert_eq!(candles.apply(&trade(1, 5, 300, 7)), Change::Nothing);
        assert_eq!(all(&candles, Resolution::M1)[0].trades, 1);
    }

    #[test]
    fn a_change_says_whether_a_bar_ended() {
        let mut candles = Candles::new(10);
        assert_eq!(candles.apply(&trade(1, 100, 100, 1)), Change::Current);
        assert_eq!(candles.advance(MINUTE - 1), Change::Nothing);
        assert!(!candles.has_ended(&all(&candles, Resolution::M1)[0]));
        assert_eq!(candles.advance(MINUTE), Change::Ended);
        assert!(candles.has_ended(&all(&candles, Resolution::M1)[0]));
        assert!(!candles.has_ended(&all(&candles, Resolution::M5)[0]));
        assert_eq!(candles.advance(0), Change::Nothing);
        assert_eq!(candles.apply(&trade(2, MINUTE, 100, 1)), Change::Current);
        assert_eq!(candles.apply(&trade(3, 2 * MINUTE, 100, 1)), Change::Ended);
    }

    #[test]
    fn history_is_bounded_and_a_removed_bar_does_not_come_back() {
        let mut candles = Candles::new(3);
        for minute in 0..10 {
            let _ = candles.apply(&trade(minute, i64::try_from(minute).expect("small") * MINUTE, 100, 1));
        }
        let starts = |candles: &Candles| -> Vec<i64> {
            all(candles, Resolution::M1).iter().map(|candle| candle.start / MINUTE).collect()
        };
        assert_eq!(starts(&candles), [7, 8, 9]);
        let _ = candles.apply(&trade(100, 2 * MINUTE, 100, 1));
        assert_eq!(starts(&candles), [7, 8, 9]);
        assert_eq!(candles.current("X", Resolution::Day).expect("today").trades, 11, "the day has the late trade");
        let mut candles = Candles::new(1);
        assert_eq!(candles.apply(&trade(1, 100_000 * MINUTE, 100, 1)), Change::Current);
        assert_eq!(candles.apply(&trade(2, 0, 100, 1)), Change::Nothing, "its day, week and month are gone too");
        assert_eq!(starts(&candles), [100_000]);
    }

    #[test]
    fn ranges_are_right_open_and_never_panic() {
        let candles = filled(&[trade(1, 0, 1, 1), trade(2, MINUTE, 1, 1), trade(3, 2 * MINUTE, 1, 1)]);
        let count = |times| candles.range("X", Resolution::M1, times).count();
        assert_eq!(count(0..2 * MINUTE), 2);
        assert_eq!(count(1..i64::MAX), 2);
        #[expect(clippy::reversed_empty_ranges, reason = "the reversed range is what is tested")]
        let reversed = 5..-5;
        assert_eq!(count(reversed), 0);
    }

    #[test]
    fn sums_do_not_overflow() {
        let huge = |id| Trade { quantity: Decimal::MAX, ..trade(id, 0, 1, 1) };
        assert_eq!(all(&filled(&[huge(1), huge(2)]), Resolution::M1)[0].volume, Decimal::MAX);
    }

    fn trades() -> impl Strategy<Value = Vec<Trade>> {
        let one = (0_u64..60, 0_i64..20 * MINUTE, 1_i64..1_000, 1_i64..1_000_000_000);
        proptest::collection::vec(one.prop_map(|(id, time, price, quantity)| trade(id, time, price, quantity)), 0..80)
            .prop_map(|mut trades| {
                // Of two trades with the same id the first one counts, so order would matter.
                let mut ids = std::collections::HashSet::new();
                trades.retain(|trade| ids.insert(trade.id));
                trades
            })
    }

    proptest! {
        #[test]
        fn the_order_of_trades_does_not_matter(trades in trades(), seed in any::<prop::sample::Index>()) {
            let mut turned = trades.clone();
            turned.reverse();
            if !turned.is_empty() {
                let by = seed.index(turned.len());
                turned.rotate_left(by);
            }
            let (one, other) = (filled(&trades), filled(&turned));
            for resolution in Resolution::ALL {
                prop_assert_eq!(all(&one, resolution), all(&other, resolution));
            }
        }

        #[test]
        fn resolutions_agree_with_each_other(trades in trades()) {
            let candles = filled(&trades);
            for resolution in Resolution::ALL {
                for whole in all(&candles, resolution) {
                    let parts: Vec<_> = candles.range("X", Resolution::M1, whole.start..whole.end).collect();
                    prop_assert_eq!(parts.iter().map(|part| part.volume).sum::<Decimal>(), whole.volume);
                    prop_assert_eq!(parts.iter().map(|part| part.trades).sum::<u64>(), whole.trades);
                    prop_assert_eq!(parts.iter().map(|part| part.high).max(), Some(whole.high));
                    prop_assert_eq!(parts.iter().map(|part| part.low).min(), Some(whole.low));
                    prop_assert_eq!(parts.first().map(|part| part.open), Some(whole.open));
                    prop_assert_eq!(parts.last().map(|part| part.close), Some(whole.close));
                }
            }
        }
    }
}
