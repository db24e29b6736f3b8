//! Finds in a value what its JSON text no longer shows: non-finite numbers and `Some("")`.

use serde::{Serialize, Serializer, ser};

use crate::declare::topic::TopicError;

/// Walks a value as serde_json would write it.
///
/// serde_json writes NaN and `None` alike as null, and `Some("")` like any other empty
/// string, so these have to be seen before there is text.
pub(crate) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), TopicError> {
    value.serialize(Strict).map(drop).map_err(|Stop(error)| error)
}

/// What a value turned out to be, as far as the value around it must know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    EmptyString,
    Other,
}

#[derive(Debug)]
struct Stop(TopicError);

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(TopicError::NotJson(message.to_string()))
    }
}

struct Strict;

fn text(value: &str) -> Seen {
    if value.is_empty() { Seen::EmptyString } else { Seen::Other }
}

fn finite(is_finite: bool) -> Result<Seen, Stop> {
    if is_finite { Ok(Seen::Other) } else { Err(Stop(TopicError::NonFinite)) }
}

macro_rules! plain {
    ($($method:ident($t:ty))*) => {
        $(fn $method(self, _: $t) -> Result<Seen, Stop> { Ok(Seen::Other) })*
    };
}

impl Serializer for Strict {
    type Ok = Seen;
    type Error = Stop;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_char(char) serialize_bytes(&[u8])
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

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<Seen, Stop> {
        Ok(text(&value.to_string()))
    }

    fn serialize_none(self) -> Result<Seen, Stop> {
        Ok(Seen::Other)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Seen, Stop> {
        match value.serialize(Self)? {
            Seen::EmptyString => Err(Stop(TopicError::EmptyOption)),
            Seen::Other => Ok(Seen::Other),
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
        value.serialize(Self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Seen, Stop> {
        value.serialize(Self).map(|_| Seen::Other)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Stop> {
        Ok(self)
    }
}

macro_rules! compound {
    ($($part:ident :: $method:ident($($key:ty)?))*) => {
        $(impl ser::$part for Strict {
            type Ok = Seen;
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<(), Stop> {
                value.serialize(Self).map(drop)
            }

            fn end(self) -> Result<Seen, Stop> {
                Ok(Seen::Other)
            }
        })*
    };
}

compound! {
    SerializeSeq::serialize_element()
    SerializeTuple::serialize_element()
    SerializeTupleStruct::serialize_field()
    SerializeTupleVariant::serialize_field()
    SerializeStruct::serialize_field(&'static str)
    SerializeStructVariant::serialize_field(&'static str)
}

impl ser::SerializeMap for Strict {
    type Ok = Seen;
    type Error = Stop;

    // serde_json refuses keys that are neither strings nor print as one, so a key
    // needs no look here.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        value.serialize(Self).map(drop)
    }

    fn end(self) -> Result<Seen, Stop> {
        Ok(Seen::Other)
    }
}
