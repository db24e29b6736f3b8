//! Checks a value for what its JSON text hides or not every client can represent: non-finite
//! numbers, large integers and `Some("")`.

use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer, ser};

use crate::declare::topic_error::{MAX_SAFE_INTEGER, TopicError};

/// The rules that apply to a value in addition to those for numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// The params of a topic: `Some("")` would share its topic with `None`.
    Topic,
    /// A message's payload.
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "a server's payloads are checked"))]
    Payload,
}

/// Checks a value in the order in which serde_json writes it.
///
/// serde_json writes both NaN and `None` as null, and `Some("")` as an empty string, so the
/// JSON text does not show them.
///
/// # Errors
/// The first violation of the rules and its path.
pub(crate) fn check<T: Serialize + ?Sized>(value: &T, rules: Rules) -> Result<(), Refused> {
    value.serialize(Strict(rules)).map(drop).map_err(|refused| *refused.0)
}

/// The part of a value's form that the enclosing value depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    EmptyString,
    Other,
}

/// A violation of the rules and its path.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) what: TopicError,
    /// From the inside out.
    path: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
}

/// [`Refused`] in a box, so that the result of every level stays small.
#[derive(Debug)]
struct Stop(Box<Refused>);

impl Stop {
    #[cold]
    fn new(what: TopicError) -> Self {
        Self(Box::new(Refused { what, path: Vec::new() }))
    }

    #[cold]
    fn within(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }
}

impl Refused {
    /// Returns the path from the outermost value: `levels[3].price`.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Member(name) if path.is_empty() => path += name,
                Step::Member(name) => path.extend([".", name]),
                // Writing to memory does not fail.
                Step::Item(at) => drop(write!(path, "[{at}]")),
            }
        }
        path
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { self.what.fmt(f) } else { write!(f, "`{}`: {}", self.path(), self.what) }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(TopicError::NotJson(message.to_string()))
    }
}

#[derive(Clone, Copy)]
struct Strict(Rules);

fn text(value: &str) -> Seen {
    if value.is_empty() { Seen::EmptyString } else { Seen::Other }
}

fn finite(is_finite: bool) -> Result<Seen, Stop> {
    if is_finite { Ok(Seen::Other) } else { Err(Stop::new(TopicError::NonFinite)) }
}

/// Returns an error unless every client can represent the integer.
fn safe(magnitude: u128, token: impl FnOnce() -> String) -> Result<Seen, Stop> {
    if magnitude <= u128::from(MAX_SAFE_INTEGER) {
        Ok(Seen::Other)
    } else {
        Err(Stop::new(TopicError::UnsafeInteger(token())))
    }
}

macro_rules! plain {
    ($($method:ident($t:ty))*) => {
        $(fn $method(self, _: $t) -> Result<Seen, Stop> { Ok(Seen::Other) })*
    };
}

macro_rules! integers {
    ($($method:ident($t:ty, $magnitude:expr))*) => {
        $(fn $method(self, value: $t) -> Result<Seen, Stop> { safe($magnitude(value), || value.to_string()) })*
    };
}

impl Serializer for Strict {
    type Ok = Seen;
    type Error = Stop;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Items;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32)
        serialize_char(char) serialize_bytes(&[u8])
    }

    integers! {
        serialize_i64(i64, |value: i64| u128::from(value.unsigned_abs()))
        serialize_u64(u64, u128::from)
        serialize_i128(i128, i128::unsigned_abs)
        serialize_u128(u128, u128::from)
    }

    fn serialize_f32(self, value: f32) -> Result<Seen, Stop> {
        finite(value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<Seen, Stop> {
        finite(value.is_finite())
    }

    fn serialize_str(self, value: &str) -> Result<Seen, Stop> {
        Ok(text(value))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<Seen, Stop> {
        match self.0 {
            Rules::Topic => Ok(text(&value.to_string())),
            Rules::Payload => Ok(Seen::Other),
        }
    }

    fn serialize_none(self) -> Result<Seen, Stop> {
        Ok(Seen::Other)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Seen, Stop> {
        match value.serialize(self)? {
            Seen::EmptyString if self.0 == Rules::Topic => Err(Stop::new(TopicError::EmptyOption)),
            seen => Ok(seen),
        }
    }

    fn serialize_unit(self) -> Result<Seen, Stop> {
        Ok(Seen::Other)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Seen, Stop> {
        Ok(Seen::Other)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Seen, Stop> {
        Ok(text(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Seen, Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Seen, Stop> {
        self.member(variant, value).map(|()| Seen::Other)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Stop> {
        Ok(Items { rules: self, next: 0 })
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Stop> {
        Ok(Items { rules: self, next: 0 })
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Stop> {
        Ok(Items { rules: self, next: 0 })
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Items, Stop> {
        Ok(Items { rules: self, next: 0 })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items, Stop> {
        Ok(Items { rules: self, next: 0 })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }
}

impl Strict {
    fn member<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Result<(), Stop> {
        value.serialize(self).map(drop).map_err(|stop| stop.within(Step::Member(name.to_owned())))
    }
}

/// The serializer of a sequence, whose items it counts, or of a map.
struct Items {
    rules: Strict,
    next: usize,
}

impl Items {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        let at = self.next;
        self.next += 1;
        value.serialize(self.rules).map(drop).map_err(|stop| stop.within(Step::Item(at)))
    }
}

macro_rules! items {
    ($($part:ident :: $method:ident)*) => {
        $(impl ser::$part for Items {
            type Ok = Seen;
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.item(value)
            }

            fn end(self) -> Result<Seen, Stop> {
                Ok(Seen::Other)
            }
        })*
    };
}

items! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! members {
    ($($part:ident)*) => {
        $(impl ser::$part for Strict {
            type Ok = Seen;
            type Error = Stop;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Stop> {
                self.member(name, value)
            }

            fn end(self) -> Result<Seen, Stop> {
                Ok(Seen::Other)
            }
        })*
    };
}

members! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Items {
    type Ok = Seen;
    type Error = Stop;

    // serde_json refuses keys that do not serialize as strings, so keys are not checked here.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.item(value)
    }

    fn serialize_entry<K: Serialize + ?Sized, T: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self.rules).map(drop).map_err(|stop| stop.within(Step::Member(name(key))))
    }

    fn end(self) -> Result<Seen, Stop> {
        Ok(Seen::Other)
    }
}

/// Returns a map's key as the JSON text shows it.
fn name<K: Serialize + ?Sized>(key: &K) -> String {
    let json = serde_json::to_string(key).unwrap_or_default();
    serde_json::from_str(&json).unwrap_or(json)
}
