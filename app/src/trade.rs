//! A trade.

use std::sync::Arc;

use rust_decimal::Decimal;

/// The last millisecond of the year 9999, the latest valid time of a trade.
pub const MAX_TIME: i64 = 253_402_300_799_999;

/// A trade of a quantity at a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// Ticker.
    pub symbol: Arc<str>,
    /// The exchange's number of this trade, unique within the symbol.
    pub id: u64,
    /// The exchange's time of the trade, in milliseconds since 1970-01-01 00:00 UTC.
    pub time: i64,
    /// Price of one unit.
    pub price: Decimal,
    /// Number of units.
    pub quantity: Decimal,
}
