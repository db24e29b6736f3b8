//! The trades in the messages of Binance's combined stream.

use std::{borrow::Cow, sync::Arc};

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Fault;
use crate::trade::{MAX_TIME, Trade};

/// A message of a combined stream. A message without `stream`, such as the snapshot that a
/// recorder requests when it starts, is skipped.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct TradeEvent<'a> {
    #[serde(borrow)]
    e: Cow<'a, str>,
    #[serde(borrow)]
    s: Cow<'a, str>,
    t: u64,
    #[serde(borrow)]
    p: Cow<'a, str>,
    #[serde(borrow)]
    q: Cow<'a, str>,
    #[serde(rename = "T")]
    time: i64,
}

/// Reads the trade of a line; `None` if the message is not a trade.
pub(super) fn parse(line: &[u8], known: Option<&Arc<str>>) -> Result<Option<Trade>, Fault> {
    let line = str::from_utf8(line).map_err(|_| Fault::NotText)?;
    let (received, json) = line.split_once(' ').ok_or(Fault::NoReceiveTime)?;
    received.parse::<u64>().map_err(|_| Fault::NoReceiveTime)?;
    let message: Message<'_> = serde_json::from_str(json).map_err(Fault::Json)?;
    let is_trade = message.stream.is_some_and(|stream| stream.ends_with("@trade"));
    let Some(data) = message.data.filter(|_| is_trade) else {
        return match is_trade {
            true => Err(Fault::Trade("no member `data`".to_owned())),
            false => Ok(None),
        };
    };
    let event: TradeEvent<'_> = serde_json::from_str(data.get()).map_err(Fault::TradeJson)?;
    if event.e != "trade" {
        return Err(Fault::Trade(format!("`e` is `{}`; allowed is `trade`", event.e)));
    }
    if event.s.is_empty() {
        return Err(Fault::Trade("`s` is empty; allowed is a symbol".to_owned()));
    }
    if !(0..=MAX_TIME).contains(&event.time) {
        return Err(Fault::Trade(format!("`T` is {}; allowed are milliseconds of the years 1970 to 9999", event.time)));
    }
    let symbol = match known {
        Some(known) if **known == *event.s => Arc::clone(known),
        _ => event.s.as_ref().into(),
    };
    let (price, quantity) = (positive("p", &event.p)?, positive("q", &event.q)?);
    Ok(Some(Trade { symbol, id: event.t, time: event.time, price, quantity }))
}

fn positive(member: &str, text: &str) -> Result<Decimal, Fault> {
    Decimal::from_str_exact(text)
        .ok()
        .filter(|value| *value > Decimal::ZERO)
        .ok_or_else(|| Fault::Trade(format!("`{member}` is `{text}`; allowed is a decimal above 0")))
}
