//! What goes over the wire, the same for every peer: a bar of 200 bytes in topicast's envelope.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

/// The number of a topic's first update is one more, so that all have as many digits.
const FIRST_NUMBER: u64 = 1_000_000;

/// The name of the first topic, likewise.
const FIRST_TOPIC: u32 = 1000;

/// The bytes of an update's frame, with a little to spare.
pub(crate) const FRAME_BYTES: u64 = 284;

/// Fills a bar up to its 200 bytes.
const PAD: &str = "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp";

/// A bar as the hand-written peers encode it; the topicast peer declares its own.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    /// When it was due to be published, in microseconds since 1970.
    pub(crate) at: u64,
    pub(crate) n: u64,
    pub(crate) k: u32,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: u64,
    pub(crate) pad: &'static str,
}

impl Bar {
    /// Update `number` of a topic, both counted from their first: 1 and 0.
    pub(crate) fn new(topic: u32, number: u64, at: u64) -> Self {
        Self {
            at,
            n: FIRST_NUMBER + number,
            k: topic_key(topic),
            open: 229.41,
            high: 230.12,
            low: 228.97,
            close: 229.88,
            volume: 183_442,
            pad: PAD,
        }
    }
}

/// How a topic, counted from 0, is called in messages.
pub(crate) fn topic_key(topic: u32) -> u32 {
    FIRST_TOPIC + topic
}

/// The topic, counted from 0, that messages call so.
pub(crate) fn topic_of_key(key: u32) -> Option<u32> {
    key.checked_sub(FIRST_TOPIC)
}

/// The request that subscribes to a topic.
pub(crate) fn subscribe(topic: u32) -> String {
    format!(r#"{{"type":"bars.subscribe","payload":{{"k":{}}}}}"#, topic_key(topic))
}

/// The request that subscribes to a topic again, from the position that the client had.
pub(crate) fn recover(topic: u32, epoch: &str, seq: u64) -> String {
    let k = topic_key(topic);
    format!(
        r#"{{"type":"bars.subscribe","payload":{{"k":{k}}},"recover":{{"epoch":{},"seq":{seq}}}}}"#,
        serde_json::Value::from(epoch)
    )
}

/// The position that a reply to a subscription gives.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Position {
    pub(crate) epoch: Box<str>,
    pub(crate) seq: u64,
    pub(crate) recovered: bool,
}

impl Position {
    /// Reads a reply. A server without positions gives none.
    pub(crate) fn of_reply(reply: &[u8]) -> Self {
        serde_json::from_slice(reply).unwrap_or_default()
    }
}

/// The answer of a peer that is written by hand.
pub(crate) fn subscribed(topic: u32) -> String {
    let k = topic_key(topic);
    format!(
        r#"{{"type":"bars.subscribe.response","payload":{{"status":"ok","k":{k},"message":"Subscribed to {k}","topic":"bars:{{\"k\":{k}}}"}}}}"#
    )
}

/// The topic that a request subscribes to.
pub(crate) fn topic_of_subscribe(text: &str) -> Option<u32> {
    let (_, digits) = text.split_once("\"k\":")?;
    let digits = digits.split(|c: char| !c.is_ascii_digit()).next()?;
    topic_of_key(digits.parse().ok()?)
}

/// The whole message of an update from a peer that is written by hand.
pub(crate) fn update(topic: u32, number: u64, at: u64) -> String {
    let payload = serde_json::to_string(&Bar::new(topic, number, at)).expect("a bar of numbers and text serializes");
    format!(
        r#"{{"type":"bars.update","topic":"bars:{{\"k\":{}}}","seq":{number},"payload":{payload}}}"#,
        topic_key(topic)
    )
}

/// What a reader takes from an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) at: u64,
    /// Counted from 1.
    pub(crate) number: u64,
    /// Counted from 0.
    pub(crate) topic: u32,
}

/// Finds the stamps of updates. Nothing else of a message is looked at, so that reading costs
/// less than any server's sending.
pub(crate) struct Scanner {
    finder: Finder<'static>,
    /// Where the stamp of the last update began, which is where most do.
    hint: usize,
}

const STAMP: &[u8] = b"\"at\":";

impl Scanner {
    pub(crate) fn new() -> Self {
        Self { finder: Finder::new(STAMP), hint: 0 }
    }

    /// The stamp of an update; `None` where the message is something else.
    #[inline]
    pub(crate) fn stamp(&mut self, message: &[u8]) -> Option<Stamp> {
        if !message.get(self.hint..).is_some_and(|rest| rest.starts_with(STAMP)) {
            self.hint = self.finder.find(message)?;
        }
        let mut rest = &message[self.hint + STAMP.len()..];
        let at = number(&mut rest)?;
        rest = rest.strip_prefix(b",\"n\":")?;
        let n = number(&mut rest)?;
        rest = rest.strip_prefix(b",\"k\":")?;
        let k = u32::try_from(number(&mut rest)?).ok()?;
        Some(Stamp { at, number: n.checked_sub(FIRST_NUMBER)?, topic: topic_of_key(k)? })
    }
}

/// How many updates the envelope says were skipped before this one.
pub(crate) fn skipped(message: &[u8]) -> u64 {
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"skipped\":"));
    FINDER.find(message).and_then(|at| number(&mut &message[at + 10..])).unwrap_or(0)
}

/// Reads a number of at most 18 digits, and leaves what follows it.
#[inline]
fn number(rest: &mut &[u8]) -> Option<u64> {
    let (mut value, mut at) = (0, 0);
    while let Some(eight) = rest.get(at..).filter(|_| at < 16).and_then(eight_digits) {
        value = value * 100_000_000 + eight;
        at += 8;
    }
    while let Some(byte) = rest.get(at).filter(|byte| byte.is_ascii_digit()) {
        if at == 18 {
            return None;
        }
        value = value * 10 + u64::from(byte - b'0');
        at += 1;
    }
    // A number that ends the text is cut off.
    if at == 0 || at == rest.len() {
        return None;
    }
    *rest = &rest[at..];
    Some(value)
}

/// The value of eight digits at once: neighbours are joined to pairs, pairs to fours, fours to
/// eight, each step with one multiplication.
#[inline]
fn eight_digits(text: &[u8]) -> Option<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_le_bytes(*text.first_chunk()?) ^ (ONES * u64::from(b'0'));
    if (digits | (digits.wrapping_add(ONES * 6))) & (ONES * 0xf0) != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: u64 = 1_795_412_833_104_674;

    #[test]
    fn a_payload_has_200_bytes() {
        for (topic, number) in [(0, 1), (199, 8_999_999)] {
            assert_eq!(serde_json::to_string(&Bar::new(topic, number, AT)).unwrap().len(), 200);
        }
    }

    #[test]
    fn the_stamp_of_an_update_is_found_and_no_other() {
        let message = update(7, 12, AT);
        let mut scanner = Scanner::new();
        for _ in 0..2 {
            assert_eq!(scanner.stamp(message.as_bytes()), Some(Stamp { at: AT, number: 12, topic: 7 }));
        }
        let (elsewhere, last) = (format!("  {message}"), Some(Stamp { at: AT, number: 12, topic: 7 }));
        assert_eq!(scanner.stamp(elsewhere.as_bytes()), last);
        assert_eq!(skipped(message.as_bytes()), 0);
        assert_eq!(skipped(br#"{"type":"bars.update","seq":9,"skipped":31,"payload":{}}"#), 31);
        for other in [subscribed(7).as_str(), "", r#"{"at":}"#, r#"{"at":1,"n":5,"k":1}"#] {
            assert_eq!(scanner.stamp(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_the_standard_library_reads_it(text in "[0-9]{0,20}[,:/ 0-9a-f]?") {
            let end = text.find(|c: char| !c.is_ascii_digit());
            let expected = end.filter(|end| (1..=18).contains(end)).map(|end| (text[..end].parse().unwrap(), &text[end..]));
            let mut rest = text.as_bytes();
            prop_assert_eq!(number(&mut rest).map(|value| (value, std::str::from_utf8(rest).unwrap())), expected);
        }
    }

    #[test]
    fn a_reply_gives_the_position_that_a_recovery_names() {
        let reply = br#"{"type":"bars.subscribe.response","epoch":"a-1","seq":41,"recovered":true,"payload":{}}"#;
        let position = Position::of_reply(reply);
        assert_eq!(position, Position { epoch: "a-1".into(), seq: 41, recovered: true });
        assert_eq!(Position::of_reply(subscribed(7).as_bytes()), Position::default());
        let request: serde_json::Value = serde_json::from_str(&recover(7, &position.epoch, 41)).unwrap();
        assert_eq!(request["recover"], serde_json::json!({"epoch": "a-1", "seq": 41}));
    }

    #[test]
    fn a_request_names_its_topic() {
        assert_eq!(topic_of_subscribe(&subscribe(42)), Some(42));
        assert_eq!(topic_of_subscribe(&recover(42, "1000", 7)), Some(42));
        assert_eq!(topic_of_subscribe("{}"), None);
    }
}
