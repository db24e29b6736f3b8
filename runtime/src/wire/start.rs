//! How a subscription starts: the members `recover`, `rewind` and `max_rate` of a subscribe.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{declare::MAX_SAFE_INTEGER, wire::fault::truncate};

/// The maximum of `rewind` (`docs/protocol.md`, "Channel kinds").
const MAX_REWIND: u32 = 1000;

/// The limits of `max_rate`, in updates a second.
const RATES: std::ops::RangeInclusive<f64> = 0.1..=1000.0;

/// The members of a subscribe that say how the subscription starts, as JSON text. Null counts as
/// absent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct StartText<'a> {
    pub(crate) recover: Option<&'a RawValue>,
    pub(crate) rewind: Option<&'a RawValue>,
    pub(crate) max_rate: Option<&'a RawValue>,
}

/// How a subscription starts.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Start {
    /// The client's position, after which it wants to continue.
    pub(crate) recover: Option<Position>,
    /// The number of past updates to start with.
    pub(crate) rewind: Option<u32>,
    /// The minimum interval between two updates.
    pub(crate) interval: Option<Duration>,
}

/// A position in the numbering of a topic: what a client states in `recover`.
///
/// [`Topic::position`](crate::Topic::position) returns one. As JSON it is the value of `recover`:
///
/// ```
/// let position = topicast::Position { epoch: "7f9c24e8".into(), seq: 41 };
/// assert_eq!(serde_json::to_string(&position)?, r#"{"epoch":"7f9c24e8","seq":41}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The name of the numbering. It changes whenever the numbering restarts.
    pub epoch: String,
    /// The number of the newest update, 0 before the first.
    pub seq: u64,
}

impl Start {
    /// Parses the members.
    ///
    /// # Errors
    /// A message that names the faulty member and what is expected, for the client.
    pub(crate) fn parse(text: StartText<'_>) -> Result<Self, String> {
        Ok(Self {
            recover: present(text.recover).map(recover).transpose()?,
            rewind: present(text.rewind).map(rewind).transpose()?,
            interval: present(text.max_rate).map(interval).transpose()?,
        })
    }
}

fn present(member: Option<&RawValue>) -> Option<&str> {
    member.map(RawValue::get).filter(|text| *text != "null")
}

fn recover(text: &str) -> Result<Position, String> {
    // serde would also decode a struct from an array.
    let position = text.starts_with('{').then(|| serde_json::from_str::<Position>(text).ok()).flatten();
    position.filter(|position| position.seq <= MAX_SAFE_INTEGER).ok_or_else(|| {
        format!(
            "recover is {}; {{\"epoch\": string, \"seq\": integer from 0 to {MAX_SAFE_INTEGER}}} is expected",
            truncate(text)
        )
    })
}

fn rewind(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_REWIND).contains(count));
    count.ok_or_else(|| format!("rewind is {}; an integer from 1 to {MAX_REWIND} is expected", truncate(text)))
}

fn interval(text: &str) -> Result<Duration, String> {
    let rate = serde_json::from_str::<f64>(text).ok().filter(|rate| RATES.contains(rate));
    rate.map(|rate| Duration::from_secs_f64(rate.recip())).ok_or_else(|| {
        format!("max_rate is {}; a number from {} to {} is expected", truncate(text), RATES.start(), RATES.end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(recover: &str, rewind: &str, max_rate: &str) -> Result<Start, String> {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let (recover, rewind, max_rate) = (raw(recover), raw(rewind), raw(max_rate));
        Start::parse(StartText { recover: Some(&recover), rewind: Some(&rewind), max_rate: Some(&max_rate) })
    }

    #[test]
    fn null_counts_as_absent() {
        assert_eq!(parse("null", "null", "null"), Ok(Start::default()));
        assert_eq!(Start::parse(StartText::default()), Ok(Start::default()));
    }

    #[test]
    fn a_position_is_an_object_with_an_epoch_and_a_safe_number() {
        let position = |epoch: &str, seq| Some(Position { epoch: epoch.into(), seq });
        let recovered = |text: &str| parse(text, "null", "null").map(|start| start.recover);
        assert_eq!(recovered(r#"{"epoch":"e","seq":41}"#), Ok(position("e", 41)));
        assert_eq!(recovered(r#"{ "more":[1], "seq":0, "epoch":"" }"#), Ok(position("", 0)));
        assert_eq!(recovered(r#"{"epoch":"e","seq":9007199254740991}"#), Ok(position("e", 9_007_199_254_740_991)));
        for bad in [
            r#"["e",41]"#,
            "{}",
            r#"{"epoch":"e"}"#,
            r#"{"seq":1}"#,
            r#"{"epoch":1,"seq":1}"#,
            r#"{"epoch":"e","seq":"1"}"#,
            r#"{"epoch":"e","seq":-1}"#,
            r#"{"epoch":"e","seq":1.0}"#,
            r#"{"epoch":"e","seq":null}"#,
            r#"{"epoch":"e","seq":9007199254740992}"#,
            r#"{"epoch":"e","seq":1,"seq":2}"#,
            "true",
            "1",
            "\"e\"",
        ] {
            assert!(recovered(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rewind_and_max_rate_have_limits() {
        for (text, count) in [("1", 1), ("1000", 1000)] {
            assert_eq!(parse("null", text, "null").map(|start| start.rewind), Ok(Some(count)));
        }
        for bad in ["0", "1001", "-1", "1.0", "1e2", "\"1\"", "[1]", "{}", "true"] {
            assert!(parse("null", bad, "null").is_err(), "{bad}");
        }
        for (text, millis) in [("0.1", 10_000), ("1000", 1), ("4.0", 250), ("1e2", 10)] {
            let interval = parse("null", "null", text).map(|start| start.interval);
            assert_eq!(interval, Ok(Some(Duration::from_millis(millis))));
        }
        for bad in ["0", "0.09", "1000.1", "-1", "1e400", "\"1\"", "[1]", "{}", "true"] {
            assert!(parse("null", "null", bad).is_err(), "{bad}");
        }
        let error = parse("null", "0", "null").unwrap_err();
        assert_eq!(error, "rewind is 0; an integer from 1 to 1000 is expected");
    }
}
