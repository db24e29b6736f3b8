//! The `bars` channel: what clients subscribe with and what they receive.

use serde::{Deserialize, Deserializer, de};

use crate::{number::Number, resolution::Resolution};

/// Real-time bars (open, high, low, close, volume) of one symbol at one resolution.
///
/// Any symbol is valid; one that nothing trades has no updates.
#[topicast::ws_router(route = "bars", update = Bar, history(count = 500), tags = ["datafeed"])]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bars {
    /// Ticker, for example "AAPL".
    #[serde(deserialize_with = "non_empty")]
    #[schemars(length(min = 1), example = &"AAPL")]
    pub symbol: String,
    /// Length of a bar.
    #[serde(default)]
    pub resolution: Resolution,
}

/// One bar: what was traded from its time on, until the next bar's.
#[topicast::data]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Start of the bar, in milliseconds since 1970-01-01 00:00 UTC.
    pub time: i64,
    /// Price of the first trade.
    pub open: Number,
    /// Highest price.
    pub high: Number,
    /// Lowest price.
    pub low: Number,
    /// Price of the last trade.
    pub close: Number,
    /// Sum of the quantities traded.
    pub volume: Number,
}

fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let symbol = String::deserialize(deserializer)?;
    if symbol.is_empty() {
        return Err(de::Error::invalid_length(0, &"a symbol of at least one character"));
    }
    Ok(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number(text.parse().expect("a decimal"))
    }

    #[test]
    fn a_bar_is_written_in_the_order_of_the_documents() {
        let bar = Bar {
            time: 1_697_097_600_000,
            open: number("150.0"),
            high: number("151.0"),
            low: number("149.50"),
            close: number("150.5"),
            volume: number("1000000"),
        };
        let json = serde_json::to_string(&bar).expect("a bar is JSON");
        assert_eq!(json, r#"{"time":1697097600000,"open":150,"high":151,"low":149.5,"close":150.5,"volume":1000000}"#);
        assert_eq!(serde_json::from_str::<Bar>(&json).expect("its own text"), bar);
    }

    #[test]
    fn a_symbol_is_any_non_empty_string() {
        let request = |json: &str| serde_json::from_str::<Bars>(json);
        let of = |symbol: &str| Bars { symbol: symbol.to_owned(), resolution: Resolution::M1 };
        assert_eq!(request(r#"{"symbol":"AAPL"}"#).expect("a ticker"), of("AAPL"));
        assert_eq!(request(r#"{"symbol":" "}"#).expect("a space is a character"), of(" "));
        assert_eq!(request(r#"{"symbol":"Zürich €😀","resolution":"1"}"#).expect("any script"), of("Zürich €😀"));
        for refused in [r#"{"symbol":""}"#, r#"{"symbol":1}"#, r#"{"symbol":"A","resolution":"7"}"#, "{}"] {
            assert!(request(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn the_schema_says_what_is_refused() {
        let schema = topicast::schemars::schema_for!(Bars).to_value();
        assert_eq!(schema["properties"]["symbol"]["minLength"], 1);
        assert_eq!(schema["properties"]["symbol"]["type"], "string");
        assert_eq!(schema["required"], serde_json::json!(["symbol"]));
        let schema = topicast::schemars::schema_for!(Bar).to_value();
        assert_eq!(schema["properties"]["volume"]["type"], "number");
        assert_eq!(schema["properties"]["time"]["type"], "integer");
    }
}
