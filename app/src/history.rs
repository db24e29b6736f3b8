//! Past bars: the request and response of `GET /api/v1/bars`.

use std::{borrow::Cow, num::NonZeroU32, ops::Range, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use topicast::Position;

use crate::{bar::Bar, candles::Candles, resolution::Resolution};

/// A request for past bars.
///
/// Read from the parameters that charting libraries send: `symbol`, `resolution` (`1` if
/// absent), `to`, and `from` or `countBack`. Times are seconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Parameters")]
pub struct HistoryRequest {
    /// Ticker.
    pub symbol: String,
    /// Length of a bar.
    pub resolution: Resolution,
    /// The start of the range.
    pub span: Span,
    /// The bars start before this time, in seconds.
    pub to: i64,
}

/// The start of a requested range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// From this time on, in seconds, inclusive.
    From(i64),
    /// This many bars, however far back. It takes precedence if both are given.
    CountBack(usize),
}

/// The response: the bars in order.
///
/// A chart has no gap and no wrong bar if it subscribes first, then requests history, and keeps
/// the state with the larger volume of each bar: both come from one store, and volume grows
/// whenever a bar changes. Or it requests history first and subscribes with the position of the
/// answer as `recover`; unless the reply says `"recovered": false`, nothing is missing. Live times never go back, so a late trade that revises a bar before
/// the last one shows in history only; request the last few bars again when a bar begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryResponse {
    /// The bars.
    pub bars: Vec<Bar>,
    /// True if there are no bars.
    pub no_data: bool,
    /// If there are no bars, the start of the nearest earlier bar, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_time: Option<i64>,
    /// The position of the live topic, as `epoch` and `seq`: the bars include every update up to
    /// it. `None` if the symbol and resolution are not published live.
    #[serde(flatten)]
    pub position: Option<Position>,
}

/// The parameters of a query. Others are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    symbol: String,
    #[serde(default)]
    resolution: Resolution,
    #[serde(default, deserialize_with = "seconds")]
    from: Option<i64>,
    #[serde(default, deserialize_with = "seconds")]
    to: Option<i64>,
    #[serde(default, deserialize_with = "count")]
    count_back: Option<NonZeroU32>,
}

/// The description of times in messages.
const SECONDS: &str = "a whole number of seconds since 1970-01-01 00:00 UTC";

/// The description of counts in messages.
const COUNT: &str = "a whole number of bars from 1 to 4294967295";

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    number(deserializer, SECONDS)
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    number(deserializer, COUNT)
}

fn number<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D, allowed: &str) -> Result<Option<T>, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| D::Error::custom(format_args!("`{text}` is not {allowed}")))
}

impl TryFrom<Parameters> for HistoryRequest {
    type Error = String;

    fn try_from(Parameters { symbol, resolution, from, to, count_back }: Parameters) -> Result<Self, String> {
        if symbol.is_empty() {
            return Err("symbol is missing or empty; a ticker is expected".to_owned());
        }
        let to = to.ok_or_else(|| format!("to is missing; {SECONDS} is expected"))?;
        let span = match (count_back, from) {
            (Some(count), _) => Span::CountBack(usize::try_from(count.get()).unwrap_or(usize::MAX)),
            (None, Some(from)) if from > to => {
                return Err(format!("from is `{from}`, which is after to, `{to}`; at most that is allowed"));
            }
            (None, Some(from)) => Span::From(from),
            (None, None) => return Err(format!("from and countBack are missing; {SECONDS} or {COUNT} is expected")),
        };
        Ok(Self { symbol, resolution, span, to })
    }
}

impl HistoryResponse {
    /// Answers a request from the store. `position` is that of the topic, read while the store is
    /// locked.
    pub fn of(candles: &Candles, position: Option<Position>, request: &HistoryRequest) -> Self {
        let range = |times: Range<i64>| candles.range(&request.symbol, request.resolution, times);
        let to = millis(request.to);
        let (bars, begin): (Vec<Bar>, i64) = match request.span {
            Span::From(from) => (range(millis(from)..to).map(Bar::from).collect(), millis(from)),
            Span::CountBack(count) => {
                let mut bars: Vec<Bar> = range(i64::MIN..to).rev().take(count).map(Bar::from).collect();
                bars.reverse();
                (bars, i64::MIN)
            }
        };
        let earlier = || range(i64::MIN..begin).next_back().map(|candle| candle.start.div_euclid(1_000));
        let next_time = if bars.is_empty() { earlier() } else { None };
        Self { no_data: bars.is_empty(), bars, next_time, position }
    }
}

/// Converts seconds to milliseconds; saturates, which is beyond every bar.
fn millis(seconds: i64) -> i64 {
    seconds.saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::{bucket, trade::Trade};

    fn parse(query: &[(&str, &str)]) -> Result<HistoryRequest, String> {
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let uri = format!("/?{}", query.join("&")).parse().expect("a URI");
        Query::try_from_uri(&uri).map(|Query(request)| request).map_err(|error| crate::http::what_is_wrong(&error))
    }

    fn request(span: Span, to: i64) -> HistoryRequest {
        HistoryRequest { symbol: "X".to_owned(), resolution: Resolution::M1, span, to }
    }

    #[test]
    fn count_back_wins_over_from_and_the_resolution_has_a_default() {
        let check = |query: &[(&str, &str)], expected| assert_eq!(parse(query), Ok(expected));
        check(&[("symbol", "X"), ("from", "-5"), ("to", "60")], request(Span::From(-5), 60));
        check(&[("symbol", "X"), ("from", "99"), ("to", "60"), ("countBack", "2")], request(Span::CountBack(2), 60));
        let days = HistoryRequest { resolution: Resolution::Day, ..request(Span::CountBack(1), 0) };
        check(&[("to", "0"), ("other", "1"), ("countBack", "1"), ("symbol", "X"), ("resolution", "D")], days);
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        const GOOD: [(&str, &str); 3] = [("symbol", "X"), ("from", "0"), ("to", "60")];
        let check = |change: (&str, &str), message: &str| {
            let mut query: Vec<_> = GOOD.into_iter().filter(|(name, _)| *name != change.0).collect();
            query.push(change);
            assert_eq!(parse(&query), Err(message.to_owned()));
        };
        check(("symbol", ""), "symbol is missing or empty; a ticker is expected");
        check(
            ("resolution", "7"),
            "resolution: unknown variant `7`, expected one of `1`, `5`, `15`, `30`, `60`, `D`, `W`, `M`",
        );
        check(("to", "1.5"), "to: `1.5` is not a whole number of seconds since 1970-01-01 00:00 UTC");
        check(("from", "61"), "from is `61`, which is after to, `60`; at most that is allowed");
        for bad in ["0", "-1", "x", "4294967296"] {
            check(
                ("countBack", bad),
                &format!("countBack: `{bad}` is not a whole number of bars from 1 to 4294967295"),
            );
        }
        let without = |name: &str| parse(&GOOD.into_iter().filter(|(other, _)| *other != name).collect::<Vec<_>>());
        assert!(without("to").unwrap_err().starts_with("to is missing"));
        assert!(without("from").unwrap_err().starts_with("from and countBack are missing"));
        let twice = parse(&[("symbol", "X"), ("symbol", "Y"), ("to", "0")]);
        assert_eq!(twice, Err("duplicate field `symbol`".to_owned()));
    }

    #[test]
    fn an_answer_is_written_as_charts_expect_it() {
        let mut candles = Candles::new(10);
        let trade = |id, time| Trade { symbol: "X".into(), id, time, price: Decimal::ONE, quantity: Decimal::ONE };
        let _ = candles.apply(&trade(1, 61_000));
        let json =
            |span, to| serde_json::to_string(&HistoryResponse::of(&candles, None, &request(span, to))).expect("JSON");
        let bar = r#"{"time":60000,"open":1,"high":1,"low":1,"close":1,"volume":1}"#;
        assert_eq!(json(Span::From(60), 61), format!(r#"{{"bars":[{bar}],"noData":false}}"#));
        assert_eq!(json(Span::From(60), 60), r#"{"bars":[],"noData":true}"#, "`to` is excluded");
        assert_eq!(json(Span::From(61), 200), r#"{"bars":[],"noData":true,"nextTime":60}"#);
        assert_eq!(json(Span::CountBack(5), 60), r#"{"bars":[],"noData":true}"#);
        assert_eq!(json(Span::From(i64::MIN), i64::MAX), format!(r#"{{"bars":[{bar}],"noData":false}}"#));
        let position = Position { epoch: "e".to_owned(), seq: 7 };
        let live = HistoryResponse::of(&candles, Some(position), &request(Span::From(60), 60));
        let text = serde_json::to_string(&live).expect("JSON");
        assert_eq!(text, r#"{"bars":[],"noData":true,"epoch":"e","seq":7}"#);
    }

    /// Computes the bars independently: puts trades into buckets, and buckets into a list.
    fn oracle(trades: &[(i64, i64)], request: &HistoryRequest) -> (Vec<(i64, i64)>, Option<i64>) {
        let mut bars: Vec<(i64, i64)> = Vec::new();
        for (time, quantity) in trades {
            let start = bucket::start(request.resolution, *time);
            match bars.iter_mut().find(|(other, _)| *other == start) {
                Some((_, volume)) => *volume += quantity,
                None => bars.push((start, *quantity)),
            }
        }
        bars.sort_unstable();
        let before: Vec<_> = bars.iter().copied().filter(|(start, _)| *start < request.to * 1_000).collect();
        match request.span {
            Span::CountBack(count) => (before[before.len().saturating_sub(count)..].to_vec(), None),
            Span::From(from) => {
                let (earlier, found): (Vec<_>, Vec<_>) =
                    before.into_iter().partition(|(start, _)| *start < from * 1_000);
                let next = if found.is_empty() { earlier.last().map(|(start, _)| start / 1_000) } else { None };
                (found, next)
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_list(
            trades in prop::collection::vec((0_i64..4_000_000, 1_i64..50), 0..60),
            from in 0_i64..4_100,
            length in 0_i64..4_100,
            count in prop::option::of(1_usize..20),
            which in 0..Resolution::ALL.len(),
        ) {
            let mut candles = Candles::new(1_000);
            for (id, (time, quantity)) in trades.iter().enumerate() {
                let quantity = Decimal::from(*quantity);
                let _ = candles.apply(&Trade { symbol: "X".into(), id: id as u64, time: *time, price: Decimal::ONE, quantity });
            }
            let span = count.map_or(Span::From(from), Span::CountBack);
            let request = HistoryRequest { resolution: Resolution::ALL[which], ..request(span, from + length) };
            let history = HistoryResponse::of(&candles, None, &request);
            let bars: Vec<_> = history.bars.iter().map(|bar| (bar.time, i64::try_from(bar.volume.0).expect("whole"))).collect();
            prop_assert_eq!(history.no_data, bars.is_empty());
            prop_assert_eq!((bars, history.next_time), oracle(&trades, &request));
        }
    }
}
