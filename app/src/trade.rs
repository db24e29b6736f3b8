//! One trade: all that bars are made of.

use std::sync::Arc;

use rust_decimal::Decimal;

/// The last millisecond of the year 9999: times beyond are no times of a trade.
pub const MAX_TIME: i64 = 253_402_300_799_999;

/// A quantity that changed hands at a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// Ticker.
    pub symbol: Arc<str>,
    /// The exchange's number of this trade, unique within the symbol.
    pub id: u64,
    /// When the exchange made it, in milliseconds since 1970-01-01 00:00 UTC.
    pub time: i64,
    /// Price of one unit.
    pub price: Decimal,
    /// How many units.
    pub quantity: Decimal,
}
