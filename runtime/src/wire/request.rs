//! Decodes a request's payload into its declared type, in the flat form or FastWS's nested form.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use crate::wire::fault::without_line_and_column;

/// Where the fields of a request may appear in its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// At the top level.
    Flat,
    /// At the top level or inside an object `params` (profile `compat::fastws()`).
    Nested,
}

/// Decodes a payload, which must be an object.
///
/// serde also accepts a positional array for a struct, and the protocol does not. So this function
/// reads the members and passes them to serde as a map. A single map for flat and nested members
/// keeps serde's check for repeated fields, aliases included.
///
/// # Errors
/// Returns a message for the client, with the member at fault and what is expected.
pub(crate) fn decode<T: DeserializeOwned>(payload: Option<&str>, form: Form) -> Result<T, String> {
    let members = read_members(payload, form)?;
    let mut current = None;
    let access = MemberAccess { members, value: None, current: &mut current };
    match T::deserialize(MapAccessDeserializer::new(access)) {
        Ok(request) => Ok(request),
        Err(error) => Err(describe(current.as_deref(), &error)),
    }
}

// Not part of `decode`, which is compiled once for each request type.
fn read_members(payload: Option<&str>, form: Form) -> Result<std::vec::IntoIter<Member<'_>>, String> {
    let text = payload.ok_or("payload is missing; an object is expected")?;
    members(text, form).map(Vec::into_iter).map_err(|error| describe(None, &error))
}

fn describe(member: Option<&str>, error: &serde_json::Error) -> String {
    match member {
        Some(member) => format!("payload.{member}: {}", without_line_and_column(error)),
        None => format!("payload: {}", without_line_and_column(error)),
    }
}

type Member<'a> = (Cow<'a, str>, &'a RawValue);

fn members(text: &str, form: Form) -> Result<Vec<Member<'_>>, serde_json::Error> {
    let outer: Members<'_> = serde_json::from_str(text)?;
    if form == Form::Flat {
        return Ok(outer.0);
    }
    let mut all = Vec::with_capacity(outer.0.len());
    let mut nested = None;
    for (key, value) in outer.0 {
        if key != "params" {
            all.push((key, value));
        } else if nested.replace(value).is_some() {
            return Err(serde_json::Error::duplicate_field("params"));
        }
    }
    if let Some(nested) = nested {
        let inner: Members<'_> = serde_json::from_str(nested.get())
            .map_err(|error| serde_json::Error::custom(format_args!("params: {}", without_line_and_column(&error))))?;
        all.extend(inner.0);
    }
    Ok(all)
}

/// The members of an object in textual order, repeated members included.
struct Members<'a>(Vec<Member<'a>>);

/// A key, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Passes members to serde one by one and records the current one for error messages.
struct MemberAccess<'a, 'm> {
    members: std::vec::IntoIter<Member<'m>>,
    value: Option<&'m RawValue>,
    current: &'a mut Option<String>,
}

impl<'de> MapAccess<'de> for MemberAccess<'_, 'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        *self.current = None;
        let Some((key, value)) = self.members.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(serde::de::value::CowStrDeserializer::new(key.clone())).map(Some).inspect(|_| {
            *self.current = Some(key.into_owned());
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let value =
            self.value.take().ok_or_else(|| serde_json::Error::custom("the value was requested before its key"))?;
        seed.deserialize(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Request {
        #[serde(alias = "ticker")]
        symbol: String,
        #[serde(default)]
        depth: u8,
    }

    fn check(payload: &str, form: Form, expected: Result<(&str, u8), &str>) {
        let decoded = decode::<Request>(Some(payload), form);
        let expected =
            expected.map(|(symbol, depth)| Request { symbol: symbol.to_owned(), depth }).map_err(str::to_owned);
        assert_eq!(decoded, expected, "{payload}");
    }

    #[test]
    fn flat_members() {
        check(r#"{"symbol":"A","depth":2}"#, Form::Flat, Ok(("A", 2)));
        check(r#"{"s\u0079mbol":"\u0041","more":[1]}"#, Form::Flat, Ok(("A", 0)));
        check(r#"["A",2]"#, Form::Flat, Err("payload: invalid type: sequence, expected an object"));
        check("null", Form::Flat, Err("payload: invalid type: null, expected an object"));
        check("{}", Form::Flat, Err("payload: missing field `symbol`"));
        check(r#"{"symbol":1}"#, Form::Flat, Err("payload.symbol: invalid type: integer `1`, expected a string"));
        check(
            r#"{"symbol":"A","depth":300}"#,
            Form::Flat,
            Err("payload.depth: invalid value: integer `300`, expected u8"),
        );
        check(r#"{"symbol":"A","params":{"depth":2}}"#, Form::Flat, Ok(("A", 0)));
    }

    #[test]
    fn nested_members() {
        check(r#"{"symbol":"A","params":{"depth":2}}"#, Form::Nested, Ok(("A", 2)));
        check(r#"{"params":{"symbol":"A"},"depth":3}"#, Form::Nested, Ok(("A", 3)));
        check(r#"{"symbol":"A","params":{}}"#, Form::Nested, Ok(("A", 0)));
        check(
            r#"{"symbol":"A","params":{"symbol":"A"}}"#,
            Form::Nested,
            Err("payload.symbol: duplicate field `symbol`"),
        );
        check(
            r#"{"symbol":"A","params":{"ticker":"A"}}"#,
            Form::Nested,
            Err("payload.ticker: duplicate field `symbol`"),
        );
        check(
            r#"{"symbol":"A","params":[1]}"#,
            Form::Nested,
            Err("payload: params: invalid type: sequence, expected an object"),
        );
        check(
            r#"{"symbol":"A","params":null}"#,
            Form::Nested,
            Err("payload: params: invalid type: null, expected an object"),
        );
        check(r#"{"symbol":"A","params":{},"params":{}}"#, Form::Nested, Err("payload: duplicate field `params`"));
    }

    #[test]
    fn a_missing_payload() {
        assert_eq!(decode::<Request>(None, Form::Flat), Err("payload is missing; an object is expected".to_owned()));
    }
}
