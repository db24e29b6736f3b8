//! The key of a table's row: its members' values, in an order that every language computes.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use serde_json::{Map, Number, Value, value::RawValue};
use thiserror::Error;

use crate::declare::decimal;

/// One member of a key, in the order that every client keeps (`docs/protocol.md`, "Keys").
#[derive(Debug, Clone)]
pub enum KeyPart {
    /// False precedes true.
    Bool(bool),
    /// In numeric order. −0 equals 0.
    Number(f64),
    /// A string or a unit enum, in the order of UTF-16 code units.
    Text(Box<str>),
}

/// The key of a row. Two keys are equal if their texts in the form of RFC 8785 are.
///
/// A clone shares the members.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey(Arc<[KeyPart]>);

/// The reason why values are no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The row or the key lacks the member.
    #[error("member {member} of the key is missing")]
    Missing {
        /// The name of the member, or its number from 1 where the names are not known.
        member: String,
    },
    /// The value is null, an array or an object.
    #[error("member {member} of the key is {found}, not a string, a number, a boolean or a unit enum")]
    Unsuitable {
        /// The name of the member, or its number from 1 where the names are not known.
        member: String,
        /// The kind of the value.
        found: &'static str,
    },
    /// An IEEE double does not represent the number.
    #[error(
        "member {member} of the key is {number}, which has more than 15 significant digits and is rounded by an IEEE double"
    )]
    Rounded {
        /// The name of the member, or its number from 1 where the names are not known.
        member: String,
        /// The number as it was written.
        number: String,
    },
    /// The text is not a JSON object.
    #[error("not a JSON object: {0}")]
    NotAnObject(String),
}

impl RowKey {
    /// Builds a key from its members' values, in the order of the declaration.
    ///
    /// # Errors
    /// When a value is null, an array or an object, or a number that a double rounds.
    pub fn from_values(values: Vec<Value>) -> Result<Self, KeyError> {
        let part = |(at, value): (usize, Value)| KeyPart::new(value, || (at + 1).to_string());
        values.into_iter().enumerate().map(part).collect::<Result<_, _>>().map(Self)
    }

    /// Builds the key of a row, or reads a key, from a JSON object that has the key's members
    /// under their wire names. Other members are ignored.
    ///
    /// A [`Value`] has already rounded a decimal, which [`from_json`](Self::from_json) refuses.
    ///
    /// # Errors
    /// When a member is missing or its value cannot be part of a key.
    pub fn from_object(names: &[&str], object: &Map<String, Value>) -> Result<Self, KeyError> {
        let part = |name: &&str| {
            let member = || format!("`{name}`");
            let value = object.get(*name).ok_or_else(|| KeyError::Missing { member: member() })?;
            KeyPart::new(value.clone(), member)
        };
        names.iter().map(part).collect::<Result<_, _>>().map(Self)
    }

    /// Does the same with the object's text, in which every digit of a number is left.
    ///
    /// # Errors
    /// When the text is not an object, a member is missing or its value cannot be part of a key.
    pub fn from_json(names: &[&str], object: &str) -> Result<Self, KeyError> {
        let not_an_object = |error: serde_json::Error| KeyError::NotAnObject(error.to_string());
        let object: BTreeMap<String, &RawValue> = serde_json::from_str(object).map_err(not_an_object)?;
        let part = |name: &&str| {
            let member = || format!("`{name}`");
            let text = object.get(*name).ok_or_else(|| KeyError::Missing { member: member() })?.get();
            if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
                return KeyPart::number(text, member);
            }
            KeyPart::new(serde_json::from_str(text).map_err(not_an_object)?, member)
        };
        names.iter().map(part).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the members, in the order of the declaration.
    pub fn parts(&self) -> &[KeyPart] {
        &self.0
    }

    /// Returns the members' values, in the order of the declaration: what
    /// [`from_values`](Self::from_values) reads.
    pub fn values(&self) -> Vec<Value> {
        self.0.iter().map(KeyPart::value).collect()
    }

    /// Returns the key of no members, which precedes every other.
    #[cfg(feature = "server")]
    pub(crate) fn empty() -> Self {
        Self(Arc::new([]))
    }

    /// Returns the memory that the key takes, in bytes, once for all its clones.
    #[cfg(feature = "server")]
    pub(crate) fn memory(&self) -> usize {
        let text = |part: &KeyPart| if let KeyPart::Text(text) = part { text.len() } else { 0 };
        size_of_val(&*self.0) + self.0.iter().map(text).sum::<usize>()
    }

    /// Appends the key as it is sent: an object of its members in the order of the declaration,
    /// each written as RFC 8785 says.
    ///
    /// `names` are the wire names of the members, one for each.
    pub fn write(&self, names: &[&str], out: &mut Vec<u8>) {
        for (at, (name, part)) in names.iter().zip(&*self.0).enumerate() {
            out.push(if at == 0 { b'{' } else { b',' });
            json(name, out);
            out.push(b':');
            part.write(out);
        }
        out.push(b'}');
    }
}

impl KeyPart {
    fn new(value: Value, member: impl FnOnce() -> String) -> Result<Self, KeyError> {
        let found = match value {
            Value::Bool(value) => return Ok(Self::Bool(value)),
            Value::String(value) => return Ok(Self::Text(value.into())),
            // The text has digits that `Number::as_f64` rounds.
            Value::Number(number) => return Self::number(&number.to_string(), member),
            Value::Null => "null",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        Err(KeyError::Unsuitable { member: member(), found })
    }

    fn number(text: &str, member: impl FnOnce() -> String) -> Result<Self, KeyError> {
        let rounded = || KeyError::Rounded { member: member(), number: text.to_owned() };
        decimal::double(text).map(Self::Number).ok_or_else(rounded)
    }

    fn value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Text(value) => Value::String(value.as_ref().into()),
            // Through the text, because that is the number: 1152921504606847000 is held by a
            // double whose value ends in 6976.
            Self::Number(_) => {
                let mut text = Vec::new();
                self.write(&mut text);
                serde_json::from_slice::<Number>(&text).map_or(Value::Null, Value::Number)
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Number(value) => json(value, out),
            Self::Text(value) => json(value.as_ref(), out),
        }
    }

    /// The place of the kind among kinds. Members of one declaration have one kind, so it only
    /// makes the order total.
    fn kind(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

/// Appends a string or a number in the form of RFC 8785.
fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Strings and numbers serialize, and writing to memory does not fail.
    drop(serde_json_canonicalizer::to_writer(&value, out));
}

impl Ord for KeyPart {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            // Adding zero takes the sign from −0.
            (Self::Number(one), Self::Number(other)) => (one + 0.0).total_cmp(&(other + 0.0)),
            (Self::Text(one), Self::Text(other)) => utf16(one, other),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

impl PartialOrd for KeyPart {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for KeyPart {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for KeyPart {}

/// Compares texts by their UTF-16 code units, which differs from the order of UTF-8 where
/// surrogates meet U+E000 to U+FFFF.
fn utf16(one: &str, other: &str) -> Ordering {
    // Most keys that are compared share a member such as the side of a book.
    if one == other { Ordering::Equal } else { one.encode_utf16().cmp(other.encode_utf16()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NAMES: [&str; 3] = ["side", "price", "live"];

    fn key(values: Value) -> Result<RowKey, KeyError> {
        let Value::Array(values) = values else { panic!("values are an array") };
        RowKey::from_values(values)
    }

    fn text(key: &RowKey, names: &[&str]) -> String {
        let mut out = Vec::new();
        key.write(names, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn ascending(values: &[Value]) {
        let keys: Vec<_> = values.iter().map(|value| key(json!([value])).unwrap()).collect();
        for (at, one) in keys.iter().enumerate() {
            for (other_at, other) in keys.iter().enumerate() {
                assert_eq!(one.cmp(other), at.cmp(&other_at), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn a_key_is_written_in_the_order_of_its_declaration() {
        let level = key(json!(["bid", 61837.6, true])).unwrap();
        assert_eq!(text(&level, &NAMES), r#"{"side":"bid","price":61837.6,"live":true}"#);
        let escaped = key(json!(["a\"\u{1}\u{2028}\u{1F600}"])).unwrap();
        assert_eq!(text(&escaped, &["a\"b"]), "{\"a\\\"b\":\"a\\\"\\u0001\u{2028}\u{1F600}\"}");
    }

    #[test]
    fn numbers_are_written_as_ecmascript_prints_them() {
        let numbers = key(json!([1.0, 1e21, 1e-7, 0.1 + 0.2, -0.0, -5, 1e20])).unwrap();
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let written = r#"{"a":1,"b":1e+21,"c":1e-7,"d":0.30000000000000004,"e":0,"f":-5,"g":100000000000000000000}"#;
        assert_eq!(text(&numbers, &names), written);
    }

    #[test]
    fn order_is_that_of_the_contract() {
        ascending(&[json!(-1e300), json!(-2), json!(0), json!(5e-324), json!(9), json!(10), json!(1e21)]);
        ascending(&[json!(false), json!(true)]);
        ascending(&[json!(""), json!("9"), json!("A"), json!("a"), json!("aa"), json!("é")]);
        // U+1F600 begins with the code unit D83D, which precedes FB01 and FFFD.
        ascending(&[json!("\u{d7ff}"), json!("\u{1F600}"), json!("\u{FB01}"), json!("\u{FFFD}")]);
        ascending(&[json!(true), json!(1), json!("")]);
    }

    #[test]
    fn members_are_compared_in_the_order_of_the_declaration() {
        let keys = [json!(["ask", 2]), json!(["ask", 10]), json!(["bid", 1])].map(|values| key(values).unwrap());
        assert!(keys.is_sorted());
    }

    #[test]
    fn minus_zero_is_zero() {
        assert_eq!(key(json!([-0.0])).unwrap(), key(json!([0])).unwrap());
        assert_eq!(KeyPart::Number(-0.0), KeyPart::Number(0.0));
        assert_eq!(KeyPart::Number(0.0), KeyPart::Number(-0.0));
    }

    #[test]
    fn an_unsuitable_member_is_named() {
        let refused = |values| key(values).unwrap_err().to_string();
        assert_eq!(
            refused(json!(["bid", null])),
            "member 2 of the key is null, not a string, a number, a boolean or a unit enum"
        );
        assert!(refused(json!([[]])).contains("an array"));
        assert!(refused(json!([{}])).contains("an object"));
        let rounded = "member 1 of the key is 9007199254740993, which has more than 15 significant digits and is rounded by an IEEE double";
        assert_eq!(refused(json!([9_007_199_254_740_993_u64])), rounded);
        let object = json!({ "side": "bid", "price": 18_446_744_073_709_551_615_u64 });
        let error = RowKey::from_object(&["side", "price"], object.as_object().unwrap()).unwrap_err();
        assert_eq!(error, KeyError::Rounded { member: "`price`".into(), number: "18446744073709551615".into() });
        let error = RowKey::from_object(&NAMES, object.as_object().unwrap()).unwrap_err();
        assert!(matches!(error, KeyError::Rounded { .. }));
        let error = RowKey::from_object(&["side", "live"], object.as_object().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "member `live` of the key is missing");
    }

    #[test]
    fn the_key_of_a_row_ignores_its_other_members() {
        let row = json!({ "volume": 3, "price": 61837.6, "side": "bid" });
        let of_row = RowKey::from_object(&["side", "price"], row.as_object().unwrap()).unwrap();
        assert_eq!(of_row, key(json!(["bid", 61837.6])).unwrap());
        assert_eq!(RowKey::from_json(&["side", "price"], &row.to_string()).unwrap(), of_row);
    }

    #[test]
    fn a_text_shows_the_digits_that_a_value_has_lost() {
        let row = r#"{"price":0.1234567890123456789}"#;
        let error = RowKey::from_json(&["price"], row).unwrap_err();
        assert_eq!(error, KeyError::Rounded { member: "`price`".into(), number: "0.1234567890123456789".into() });
        assert!(matches!(RowKey::from_json(&["price"], "[1]"), Err(KeyError::NotAnObject(_))));
        assert!(matches!(RowKey::from_json(&["price"], r#"{"price":"\ud800"}"#), Err(KeyError::NotAnObject(_))));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let letter =
            prop::sample::select(vec!['a', 'b', '"', '\\', '\u{1}', 'é', '\u{FB01}', '\u{1F600}', '\u{10FFFF}']);
        let double = any::<f64>().prop_map(|value| json!(value));
        let near = prop::sample::select(vec![-0.0, 0.0, 0.1 + 0.2, 1e21, 1e20, 1e-6, 1e-7, 0.1, 5e-324]);
        prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            (-3_i64..3).prop_map(|value| json!(value)),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(|value| json!(value)),
            double,
            near.prop_map(|value| json!(value)),
            prop::collection::vec(letter, 0..4).prop_map(|letters| Value::String(letters.into_iter().collect())),
        ]
    }

    fn any_key() -> impl Strategy<Value = RowKey> {
        prop::collection::vec(any_value(), 1..4).prop_map(|values| RowKey::from_values(values).unwrap())
    }

    /// The text of RFC 8785, from the values as they are given.
    fn canonical(values: &[Value]) -> String {
        serde_json_canonicalizer::to_string(&values).unwrap()
    }

    proptest! {
        #[test]
        fn keys_are_equal_if_their_canonical_texts_are(
            one in prop::collection::vec(any_value(), 1..3),
            other in prop::collection::vec(any_value(), 1..3),
        ) {
            let equal = canonical(&one) == canonical(&other);
            prop_assert_eq!(RowKey::from_values(one).unwrap() == RowKey::from_values(other).unwrap(), equal);
        }

        #[test]
        fn order_is_total(one in any_key(), two in any_key(), three in any_key()) {
            prop_assert_eq!(one.cmp(&two), two.cmp(&one).reverse());
            prop_assert_eq!(one.cmp(&one.clone()), Ordering::Equal);
            let mut sorted = [one, two, three];
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
        }

        #[test]
        fn a_written_key_reads_back(key in any_key()) {
            let names = &NAMES[..key.parts().len()];
            let object: Map<String, Value> = serde_json::from_str(&text(&key, names)).unwrap();
            prop_assert!(object.keys().eq(names), "the members are in the order of the declaration");
            prop_assert_eq!(&RowKey::from_object(names, &object).unwrap(), &key);
            prop_assert_eq!(&RowKey::from_json(names, &text(&key, names)).unwrap(), &key);
            prop_assert_eq!(&RowKey::from_values(key.values()).unwrap(), &key);
        }

        #[test]
        fn an_integer_keeps_its_digits_or_is_refused(value in any::<u64>(), zeros in 0_u32..19) {
            let value = value / 10_u64.pow(zeros) * 10_u64.pow(zeros);
            match key(json!([value])) {
                Ok(key) => prop_assert_eq!(key.values(), vec![json!(value)]),
                Err(error) => {
                    let is_rounded = matches!(error, KeyError::Rounded { .. });
                    prop_assert!(is_rounded, "{}", error);
                }
            }
        }
    }
}
