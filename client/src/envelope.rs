//! The envelope of every message: writes the client's, reads the server's.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use topicast::Refusal;

use crate::{delay, position::Position};

/// A message from the server, with its payload as text.
#[derive(Debug, Deserialize)]
pub(crate) struct Incoming<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    pub(crate) topic: Option<String>,
    pub(crate) epoch: Option<String>,
    pub(crate) seq: Option<u64>,
    #[serde(default)]
    pub(crate) skipped: u64,
    /// Whether a subscription continues at the client's position.
    pub(crate) recovered: Option<bool>,
    /// Whether a snapshot follows a reply.
    #[serde(default)]
    pub(crate) snapshot: bool,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// A payload in its JSON text, shared by all listeners.
pub(crate) type Payload = Arc<str>;

impl<'a> Incoming<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the id of the request that this message answers. Other ids are not this client's.
    pub(crate) fn id(&self) -> Option<u64> {
        self.id?.get().parse().ok()
    }

    pub(crate) fn payload(&self) -> &'a str {
        self.payload.map_or("null", RawValue::get)
    }

    /// Reads the payload of an `error` or `unsubscribed` message as a refusal.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        serde_json::from_str::<Refused<'_>>(self.payload()).ok().map(Refusal::from)
    }

    /// Returns the refusal in a reply, if its status is `error`. The members alone are no evidence,
    /// since a reply's own type may have members of the same names.
    pub(crate) fn refused(&self) -> Option<Refusal> {
        let found: Refused<'_> = serde_json::from_str(self.payload()).ok()?;
        (found.status.as_deref() == Some("error")).then(|| found.into())
    }

    /// Returns the delay after which a server that is going away expects its clients back, within
    /// the client's bounds.
    pub(crate) fn reconnect_after(&self) -> Option<Duration> {
        #[derive(Deserialize)]
        struct GoingAway<'a> {
            #[serde(borrow)]
            reconnect_after_ms: &'a RawValue,
        }
        let found: GoingAway<'_> = serde_json::from_str(self.payload()).ok()?;
        Some(delay::after_going_away(millis(found.reconnect_after_ms)?))
    }

    /// Checks that the reply to a subscribe request confirms this topic.
    ///
    /// # Errors
    /// Returns a message with what the reply says instead.
    pub(crate) fn agrees(&self, topic: &str) -> Result<(), String> {
        match serde_json::from_str(self.payload()) {
            Ok(Agreed { status, topic: Some(named) }) if status == "ok" && named == topic => Ok(()),
            Ok(Agreed { status, topic: None }) if status == "ok" => Err("the reply names no topic".to_owned()),
            Ok(Agreed { status, topic: Some(named) }) if status == "ok" => Err(format!(
                "the server calls the topic {named}, this client {topic}; their declarations of the channel differ"
            )),
            _ => Err("the reply is neither an agreement nor a refusal".to_owned()),
        }
    }
}

/// The members of a successful reply to a subscribe request.
#[derive(Deserialize)]
struct Agreed {
    status: String,
    topic: Option<String>,
}

/// The members of a refusal. A `retry_after_ms` that is not a number is ignored; others are limited
/// to the client's bounds here, so that no application waits for longer either.
#[derive(Deserialize)]
struct Refused<'a> {
    status: Option<String>,
    code: String,
    message: String,
    retryable: bool,
    #[serde(borrow)]
    retry_after_ms: Option<&'a RawValue>,
}

impl From<Refused<'_>> for Refusal {
    fn from(found: Refused<'_>) -> Self {
        let refusal = Self::new(found.code, found.message);
        match found.retry_after_ms.and_then(millis) {
            Some(after) if found.retryable => refusal.retry_after(delay::after_refusal(after)),
            _ if found.retryable => refusal.retryable(),
            _ => refusal,
        }
    }
}

/// Reads a number of milliseconds. A number that is too large for an `f64` counts as infinite; any
/// other JSON value is ignored.
fn millis(text: &RawValue) -> Option<Duration> {
    text.get().parse().ok().map(delay::from_millis)
}

/// Writes a request; the payload is JSON text.
pub(crate) fn request(kind: &str, id: u64, payload: Option<&str>) -> String {
    let kind = serde_json::Value::from(kind);
    match payload {
        Some(payload) => format!("{{\"type\":{kind},\"id\":{id},\"payload\":{payload}}}"),
        None => format!("{{\"type\":{kind},\"id\":{id}}}"),
    }
}

/// The members that only a subscribe request has.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Start<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recover: Option<&'a Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rewind: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_rate: Option<f64>,
}

/// Writes a subscribe request; the payload is JSON text.
pub(crate) fn subscribe(route: &str, id: u64, payload: &str, start: &Start<'_>) -> String {
    let mut text = request(&format!("{route}.subscribe"), id, Some(payload));
    // Numbers and strings serialize, and a setting that is not finite is refused before.
    let members = serde_json::to_string(start).unwrap_or_default();
    if let Some(members) = members.strip_prefix('{').filter(|members| *members != "}") {
        text.pop();
        text.push(',');
        text.push_str(members);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_server_writes() {
        let text =
            r#"{"type":"bars.update","topic":"bars:{\"symbol\":\"A\"}","seq":7,"skipped":2,"payload":{"a":[1]}}"#;
        let message = Incoming::parse(text).unwrap();
        assert_eq!((&*message.kind, message.topic.as_deref()), ("bars.update", Some(r#"bars:{"symbol":"A"}"#)));
        assert_eq!((message.id(), message.seq, message.skipped), (None, Some(7), 2));
        assert_eq!(message.payload(), r#"{"a":[1]}"#);
        let message = Incoming::parse(r#"{"type":"x.response","id":3,"epoch":"e","seq":0}"#).unwrap();
        assert_eq!((message.id(), message.payload()), (Some(3), "null"));
        assert_eq!(Incoming::parse(r#"{"type":"error","id":"theirs"}"#).unwrap().id(), None);
    }

    #[test]
    fn a_refusal_is_distinguished_from_a_reply() {
        let reply =
            |payload: &str| Incoming::parse(&format!(r#"{{"type":"r","payload":{payload}}}"#)).unwrap().refused();
        let refusal =
            reply(r#"{"status":"error","symbol":"A","code":"c","message":"m","retryable":true,"retry_after_ms":900}"#);
        assert_eq!(refusal, Some(Refusal::new("c", "m").retry_after(Duration::from_millis(900))));
        for (after, expected) in [("-5", 100), ("9", 100), ("0.5e3", 500), ("1500", 1500), ("1e400", 300_000)] {
            let payload = r#"{"status":"error","code":"c","message":"m","retryable":true,"retry_after_ms":AFTER}"#;
            let expected = Refusal::new("c", "m").retry_after(Duration::from_millis(expected));
            assert_eq!(reply(&payload.replace("AFTER", after)), Some(expected));
        }
        let worded = reply(r#"{"status":"error","code":"c","message":"m","retryable":true,"retry_after_ms":"soon"}"#);
        assert_eq!(worded, Some(Refusal::new("c", "m").retryable()));
        assert_eq!(reply(r#"{"status":"error"}"#), None);
        assert_eq!(reply(r#"{"code":"c","message":"m","retryable":true}"#), None);
        assert_eq!(reply("7"), None);
    }

    #[test]
    fn an_agreement_names_the_topic() {
        let reply = |payload: &str| {
            Incoming::parse(&format!(r#"{{"type":"r","payload":{payload}}}"#)).unwrap().agrees("bars:{}")
        };
        assert_eq!(reply(r#"{"status":"ok","message":"m","topic":"bars:{}"}"#), Ok(()));
        assert_eq!(reply(r#"{"status":"ok"}"#), Err("the reply names no topic".into()));
        let other = reply(r#"{"status":"ok","topic":"bars:{\"a\":1}"}"#).unwrap_err();
        assert!(other.starts_with(r#"the server calls the topic bars:{"a":1}, this client bars:{}"#), "{other}");
        for neither in ["null", "{}", r#"{"status":"fine","topic":"bars:{}"}"#, r#"{"status":"ok","topic":7}"#] {
            assert_eq!(reply(neither), Err("the reply is neither an agreement nor a refusal".into()), "{neither}");
        }
    }

    #[test]
    fn a_request_is_an_envelope() {
        assert_eq!(request("bars.subscribe", 1, Some("{}")), r#"{"type":"bars.subscribe","id":1,"payload":{}}"#);
        assert_eq!(request("a\"b", 2, None), r#"{"type":"a\"b","id":2}"#);
        let plain = subscribe("bars", 3, "{}", &Start::default());
        assert_eq!(plain, r#"{"type":"bars.subscribe","id":3,"payload":{}}"#);
        let position = Position::new("e\"".into(), 41);
        let start = Start { recover: Some(&position), rewind: None, max_rate: Some(0.5) };
        assert_eq!(
            subscribe("bars", 3, "{}", &start),
            r#"{"type":"bars.subscribe","id":3,"payload":{},"recover":{"epoch":"e\"","seq":41},"max_rate":0.5}"#
        );
    }
}
