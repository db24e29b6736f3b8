//! A mock market: trades of a random walk, the same for the same seed.

use std::sync::Arc;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rust_decimal::Decimal;

use crate::trade::Trade;

/// The decimal places of prices.
const SCALE: u32 = 2;

/// An endless iterator over the trades of some symbols from a start time on, in order of time.
///
/// The trades are a function of the seed, the start and the symbols. Each symbol has a walk of
/// its own: other symbols do not change its trades, and another start only shifts them. All
/// arithmetic is on integers, so the trades are the same on every machine.
#[derive(Debug, Clone)]
pub struct Mock {
    walks: Vec<Walk>,
}

impl Mock {
    /// Creates a mock market of the given symbols from `start` (milliseconds) on.
    pub fn new<S: AsRef<str>>(seed: u64, start: i64, symbols: &[S]) -> Self {
        Self { walks: symbols.iter().map(|symbol| Walk::new(seed, start, symbol.as_ref())).collect() }
    }
}

impl Iterator for Mock {
    type Item = Trade;

    fn next(&mut self) -> Option<Trade> {
        // Trades at the same time are ordered by symbol.
        self.walks.iter_mut().min_by_key(|walk| walk.time).map(Walk::next)
    }
}

/// The trades of one symbol: orders at random moments, each filled in one or more trades.
#[derive(Debug, Clone)]
struct Walk {
    symbol: Arc<str>,
    random: ChaCha8Rng,
    id: u64,
    /// The time of the next trade.
    time: i64,
    ticks: i64,
    /// The remaining fills of the current order.
    fills: u32,
    /// The direction in which the current order moves the price, in ticks.
    push: i64,
    busy: bool,
}

impl Walk {
    fn new(seed: u64, start: i64, symbol: &str) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(fnv1a(symbol.as_bytes()));
        let mut walk =
            Self { symbol: symbol.into(), random, id: 1, time: start, ticks: 0, fills: 0, push: 0, busy: false };
        walk.ticks = 5_000 + i64::from(walk.below(45_000));
        walk.order();
        walk
    }

    fn next(&mut self) -> Trade {
        let trade = Trade {
            symbol: Arc::clone(&self.symbol),
            id: self.id,
            time: self.time,
            price: Decimal::new(self.ticks, SCALE),
            quantity: self.quantity(),
        };
        self.id += 1;
        self.fills -= 1;
        if self.fills == 0 {
            self.order();
        } else if self.below(3) == 0 {
            self.step(self.push);
        }
        trade
    }

    /// Starts the next order: its time, its side, and its number of fills.
    fn order(&mut self) {
        if self.below(48) == 0 {
            self.busy = !self.busy;
        }
        let (least, spread) = if self.busy { (10, 250) } else { (150, 2_400) };
        self.time = self.time.saturating_add(least + i64::from(self.below(spread)));
        self.push = if self.below(2) == 0 { 1 } else { -1 };
        self.fills = 1;
        while self.fills < 12 && self.below(5) < 2 {
            self.fills += 1;
        }
        let step = i64::from(self.below(3)) - 1;
        self.step(step);
    }

    /// Moves the price, and reverses direction before it reaches zero.
    fn step(&mut self, ticks: i64) {
        let moved = self.ticks + ticks;
        self.ticks = if moved < 1 { self.ticks + 1 } else { moved };
    }

    /// Returns a quantity: mostly small lots, sometimes a block.
    fn quantity(&mut self) -> Decimal {
        let lots = i64::from(1 + self.below(20));
        let unit = match self.below(16) {
            0 => 100,
            1..=5 => 10,
            _ => 1,
        };
        Decimal::from(lots * unit)
    }

    /// Returns a number below `bound`: the high half of a product. A library's algorithm for ranges
    /// may change between versions; this one does not.
    fn below(&mut self, bound: u32) -> u32 {
        let product = u64::from(self.random.next_u32()) * u64::from(bound);
        u32::try_from(product >> 32).unwrap_or(0)
    }
}

/// Hashes a name with 64-bit FNV-1a.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(seed: u64, start: i64, symbols: &[&str], count: usize) -> Vec<Trade> {
        Mock::new(seed, start, symbols).take(count).collect()
    }

    #[test]
    fn the_stream_of_a_seed_is_fixed() {
        let lines: Vec<String> = take(1, 0, &["AAPL", "MSFT"], 12)
            .iter()
            .map(|t| format!("{} {} {} {} {}", t.time, t.symbol, t.id, t.price, t.quantity))
            .collect();
        assert_eq!(
            lines,
            [
                "963 AAPL 1 410.21 15",
                "963 AAPL 2 410.21 50",
                "1180 MSFT 1 60.00 19",
                "1180 MSFT 2 60.00 130",
                "1180 MSFT 3 60.01 500",
                "1180 MSFT 4 60.01 2000",
                "2353 MSFT 5 60.02 4",
                "2353 MSFT 6 60.01 19",
                "3127 AAPL 3 410.22 2",
                "3593 MSFT 7 60.01 140",
                "3593 MSFT 8 60.02 17",
                "5609 AAPL 4 410.22 10",
            ]
        );
    }

    #[test]
    fn another_seed_is_another_stream() {
        assert_ne!(take(1, 0, &["AAPL"], 20), take(2, 0, &["AAPL"], 20));
    }

    #[test]
    fn without_symbols_there_are_no_trades() {
        assert_eq!(take(1, 0, &[], 1), []);
    }

    #[test]
    fn trades_come_at_a_natural_rate() {
        let day = Mock::new(7, 0, &["AAPL"]).take_while(|trade| trade.time < 86_400_000);
        let (count, low, high) = day.fold((0_u32, Decimal::MAX, Decimal::ZERO), |(count, low, high), trade| {
            (count + 1, low.min(trade.price), high.max(trade.price))
        });
        assert!((100_000..500_000).contains(&count), "{count} trades a day");
        let swing = (high - low) / low;
        assert!(swing > Decimal::new(5, 3) && swing < Decimal::new(5, 1), "a day between {low} and {high}");
    }

    proptest! {
        #[test]
        fn times_never_go_back_and_ids_are_in_a_row(seed in any::<u64>(), start in 0_i64..2_000_000_000_000) {
            let trades = take(seed, start, &["A", "B", "C"], 500);
            prop_assert!(trades.is_sorted_by_key(|trade| trade.time));
            prop_assert!(trades.iter().all(|trade| trade.time > start && trade.price > Decimal::ZERO));
            for symbol in ["A", "B", "C"] {
                let ids = trades.iter().filter(|trade| &*trade.symbol == symbol).map(|trade| trade.id);
                prop_assert!(ids.clone().eq(1..=ids.count() as u64));
            }
        }

        #[test]
        fn a_symbol_does_not_depend_on_the_others_nor_on_the_start(seed in any::<u64>(), start in 0_i64..1_000_000) {
            let alone = take(seed, 0, &["B"], 50);
            let among: Vec<_> = Mock::new(seed, start, &["A", "B"]).filter(|trade| &*trade.symbol == "B").take(50).collect();
            for (one, other) in alone.iter().zip(&among) {
                prop_assert_eq!(one.time + start, other.time);
                prop_assert_eq!((one.id, one.price, one.quantity), (other.id, other.price, other.quantity));
            }
        }
    }
}
