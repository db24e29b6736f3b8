//! The envelope of every message: parses those of clients and writes those of the server.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    declare::MAX_SAFE_INTEGER,
    wire::{
        fault::{truncate, without_line_and_column},
        start::StartText,
    },
};

/// The maximum length of a string `id`, in bytes (`docs/protocol.md`, "Envelope").
pub(crate) const MAX_ID_BYTES: usize = 128;

/// A client's message with its payload as unparsed JSON text.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Cow<'a, str>,
    pub(crate) id: Option<Id>,
    pub(crate) payload: Option<&'a str>,
    /// Members that only a subscribe uses, not yet parsed.
    pub(crate) start: StartText<'a>,
}

/// A request's `id` as JSON text, which the reply echoes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id(String);

/// The error for a message that is not an envelope. It carries the `id` if that was readable.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) id: Option<Id>,
    pub(crate) message: String,
}

impl<'a> Envelope<'a> {
    /// Parses an envelope.
    ///
    /// # Errors
    /// Returns an error if the text is not a JSON object, `type` is missing or not a string, a
    /// member of the envelope is repeated, or `id` is neither a short string nor a safe integer.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let members: Members<'a> = serde_json::from_str(text).map_err(|error| Malformed {
            id: None,
            message: match error.classify() {
                serde_json::error::Category::Data => without_line_and_column(&error),
                _ => format!("not JSON: {error}"),
            },
        })?;
        let id = members.id.map(|id| Id::parse(id.get())).transpose();
        let id = id.map_err(|message| Malformed { id: None, message })?;
        let kind = members.kind.ok_or_else(|| "type is missing; a string is expected".to_owned()).and_then(|kind| {
            serde_json::from_str::<MemberText<'a>>(kind.get())
                .map(|MemberText(kind)| kind)
                .map_err(|_| format!("type is {}; a string is expected", truncate(kind.get())))
        });
        match kind {
            Ok(kind) => Ok(Self { kind, id, payload: members.payload.map(RawValue::get), start: members.start }),
            Err(message) => Err(Malformed { id, message }),
        }
    }
}

impl Id {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('"') {
            let id: String =
                serde_json::from_str(text).map_err(|error| format!("id: {}", without_line_and_column(&error)))?;
            return if id.len() <= MAX_ID_BYTES {
                Ok(Self(serde_json::Value::String(id).to_string()))
            } else {
                Err(format!("id has {} bytes; at most {MAX_ID_BYTES} are allowed", id.len()))
            };
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        match digits.parse::<u64>() {
            Ok(value) if value <= MAX_SAFE_INTEGER => Ok(Self(text.to_owned())),
            _ => Err(format!(
                "id is {}; a string of at most {MAX_ID_BYTES} bytes or an integer within ±{MAX_SAFE_INTEGER} is expected",
                truncate(text)
            )),
        }
    }
}

#[derive(Deserialize)]
struct MemberText<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Default)]
struct Members<'a> {
    kind: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    payload: Option<&'a RawValue>,
    start: StartText<'a>,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a type")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(MemberText(key)) = map.next_key()? {
                    let (name, member) = match &*key {
                        "type" => ("type", &mut members.kind),
                        "id" => ("id", &mut members.id),
                        "payload" => ("payload", &mut members.payload),
                        "recover" => ("recover", &mut members.start.recover),
                        "rewind" => ("rewind", &mut members.start.rewind),
                        "max_rate" => ("max_rate", &mut members.start.max_rate),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    if member.replace(map.next_value()?).is_some() {
                        return Err(serde::de::Error::duplicate_field(name));
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// A server's message. Absent members are omitted; the others are written in the order that
/// `docs/protocol.md` ("Envelope") states.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: Option<&'a Id>,
    pub(crate) topic: Option<&'a str>,
    pub(crate) epoch: Option<&'a str>,
    pub(crate) seq: Option<u64>,
    pub(crate) recovered: Option<bool>,
    pub(crate) snapshot: bool,
    pub(crate) skipped: u64,
    /// JSON text.
    pub(crate) payload: Option<&'a [u8]>,
}

impl Message<'_> {
    /// Writes the message as JSON text.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":");
        string(out, self.kind);
        if let Some(Id(id)) = self.id {
            out.extend_from_slice(b",\"id\":");
            out.extend_from_slice(id.as_bytes());
        }
        if let Some(topic) = self.topic {
            out.extend_from_slice(b",\"topic\":");
            string(out, topic);
        }
        if let Some(epoch) = self.epoch {
            out.extend_from_slice(b",\"epoch\":");
            string(out, epoch);
        }
        if let Some(seq) = self.seq {
            out.extend_from_slice(b",\"seq\":");
            number(out, seq);
        }
        if let Some(recovered) = self.recovered {
            out.extend_from_slice(if recovered { b",\"recovered\":true" } else { b",\"recovered\":false" });
        }
        if self.snapshot {
            out.extend_from_slice(b",\"snapshot\":true");
        }
        if self.skipped > 0 {
            out.extend_from_slice(b",\"skipped\":");
            number(out, self.skipped);
        }
        if let Some(payload) = self.payload {
            out.extend_from_slice(b",\"payload\":");
            out.extend_from_slice(payload);
        }
        out.push(b'}');
    }
}

/// Writes a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing a string to memory does not fail");
}

/// Writes a JSON integer.
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    serde_json::to_writer(out, &value).expect("writing an integer to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, Option<String>, Option<&str>), String> {
        match Envelope::parse(text) {
            Ok(envelope) => Ok((envelope.kind.into_owned(), envelope.id.map(|Id(id)| id), envelope.payload)),
            Err(malformed) => Err(malformed.message),
        }
    }

    #[test]
    fn members_may_have_any_order_and_unknown_members_are_ignored() {
        assert_eq!(parse(r#"{"type":"a"}"#), Ok(("a".into(), None, None)));
        assert_eq!(
            parse(r#" {"payload" : {"x":[1]} ,"more":{"type":1},"id":-7,"t\u0079pe":"\u0061"} "#),
            Ok(("a".into(), Some("-7".into()), Some(r#"{"x":[1]}"#)))
        );
        assert_eq!(parse(r#"{"type":"a","payload":null,"more":1,"more":2}"#), Ok(("a".into(), None, Some("null"))));
    }

    #[test]
    fn errors_name_the_fault_and_what_is_expected() {
        let check = |text: &str, message: &str| assert_eq!(parse(text), Err(message.to_owned()), "{text}");
        check("not json", "not JSON: expected ident at line 1 column 2");
        check("[]", "invalid type: sequence, expected an object with a type");
        check("{}", "type is missing; a string is expected");
        check(r#"{"type":1}"#, "type is 1; a string is expected");
        check(r#"{"type":"a","type":"a"}"#, "duplicate field `type`");
        check(r#"{"type":"a","id":1,"id":1}"#, "duplicate field `id`");
        check(r#"{"type":"a","payload":1,"payload":1}"#, "duplicate field `payload`");
        check(r#"{"type":"a","recover":null,"recover":null}"#, "duplicate field `recover`");
        check(r#"{"type":"a","rewind":1,"rewind":1}"#, "duplicate field `rewind`");
        check(r#"{"type":"a","max_rate":1,"max_rate":1}"#, "duplicate field `max_rate`");
    }

    #[test]
    fn an_id_is_a_short_string_or_a_safe_integer() {
        let id = |id: &str| parse(&format!(r#"{{"type":"a","id":{id}}}"#)).map(|(_, id, _)| id.unwrap());
        assert_eq!(id("0").as_deref(), Ok("0"));
        assert_eq!(id("9007199254740991").as_deref(), Ok("9007199254740991"));
        assert_eq!(id(r#""\u0041\n""#).as_deref(), Ok(r#""A\n""#));
        assert!(id(&format!("\"{}\"", "x".repeat(128))).is_ok());
        for bad in ["9007199254740992", "-9007199254740992", "1.0", "1e3", "null", "true", "[]", "{}", r#""\ud800""#] {
            assert!(id(bad).is_err(), "{bad}");
        }
        assert!(id(&format!("\"{}\"", "é".repeat(65))).is_err());
    }

    #[test]
    fn members_are_written_in_the_order_of_the_protocol() {
        let mut out = Vec::new();
        let id = Id("7".into());
        Message {
            kind: "bars.update",
            id: Some(&id),
            topic: Some("bars:{\"symbol\":\"A\"}"),
            epoch: Some("e"),
            seq: Some(3),
            recovered: Some(false),
            snapshot: true,
            skipped: 2,
            payload: Some(b"{}"),
        }
        .write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"type":"bars.update","id":7,"topic":"bars:{\"symbol\":\"A\"}","epoch":"e","seq":3,"recovered":false,"snapshot":true,"skipped":2,"payload":{}}"#
        );
    }
}
