//! Encodes payloads as JSON and rejects numbers that the published schemas do not allow.

use std::{cell::RefCell, fmt};

use serde::{Serialize, Serializer, ser};
use thiserror::Error;

use crate::declare::{MAX_SAFE_INTEGER, Refused, Rules, strict};

/// Encodes a payload into a thread-local buffer and calls `then` with the bytes.
///
/// # Errors
/// Returns an error if the payload does not serialize or has a number that the schemas do not allow.
pub(crate) fn with_encoded<T: Serialize + ?Sized, R>(
    value: &T,
    then: impl FnOnce(&[u8]) -> R,
) -> Result<R, Unsendable> {
    thread_local! {
        /// Saves an allocation for each payload. The memory of a large payload is released.
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    const MAX_KEPT_BYTES: usize = 64 * 1024;

    // A `Serialize` implementation may encode another payload, so the buffer is taken, not borrowed.
    let mut scratch = SCRATCH.take();
    scratch.clear();
    let encoded = write(&mut scratch, value).map(|()| then(&scratch));
    scratch.shrink_to(MAX_KEPT_BYTES);
    SCRATCH.set(scratch);
    encoded
}

/// Encodes a payload.
///
/// # Errors
/// The errors of [`with_encoded`].
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Unsendable> {
    let mut out = Vec::new();
    write(&mut out, value)?;
    Ok(out)
}

fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Unsendable> {
    value.serialize(Checked(&mut serde_json::Serializer::new(out))).map_err(|error| unsendable(value, error))
}

/// Reports what [`encode`] would reject, without encoding.
///
/// # Errors
/// Returns an error if the payload does not serialize or has a number that the schemas do not allow.
pub(crate) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), Unsendable> {
    strict::check(value, Rules::Payload).map_err(|refused| Unsendable(Cause::Number(refused)))
}

/// Finds the member that was rejected. Only a failed payload is searched, so that a valid one
/// costs a comparison for each number and nothing else.
#[cold]
fn unsendable<T: Serialize + ?Sized>(value: &T, error: serde_json::Error) -> Unsendable {
    match check(value) {
        Err(refused) => refused,
        Ok(()) => Unsendable(Cause::Json(error)),
    }
}

/// Why a payload cannot be sent.
#[derive(Debug)]
pub(crate) struct Unsendable(Cause);

#[derive(Debug)]
enum Cause {
    Json(serde_json::Error),
    Number(Refused),
}

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Json(error) => error.fmt(f),
            Cause::Number(refused) => refused.fmt(f),
        }
    }
}

impl std::error::Error for Unsendable {}

/// The error for an update that does not serialize or that the published schemas do not allow.
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # let ws = topicast::Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// let aapl = ws.publisher::<Bars>()?.topic(&Bars { symbol: "AAPL".into() })?;
/// let error = aapl.publish(&Bar { close: f64::NAN }).unwrap_err();
/// assert!(error.to_string().contains("close"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Error)]
#[error("the update cannot be sent: {0}")]
pub struct PublishError(#[source] Reason);

#[derive(Debug, Error)]
enum Reason {
    #[error("{0}")]
    Unsendable(Unsendable),
    #[error("{0}")]
    Table(Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "the server's topics would retain more than {0} bytes, and no topic can be evicted; see `Limits::retained_bytes`"
    )]
    OverBudget(usize),
    #[error("this topic is not of {0}")]
    WrongKind(&'static str),
}

impl PublishError {
    /// A row, its key or the table is not allowed.
    pub(crate) fn table(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Reason::Table(error.into()))
    }

    /// The budget for retained state does not suffice.
    pub(crate) fn over_budget(limit: usize) -> Self {
        Self(Reason::OverBudget(limit))
    }

    /// The topic is of another kind.
    pub(crate) fn wrong_kind(expected: &'static str) -> Self {
        Self(Reason::WrongKind(expected))
    }
}

impl From<Unsendable> for PublishError {
    fn from(unsendable: Unsendable) -> Self {
        Self(Reason::Unsendable(unsendable))
    }
}

/// A serializer that rejects numbers that JSON cannot express or clients cannot represent.
///
/// serde_json writes NaN and infinities as null, and integers of any size. As a wrapper of
/// serde_json's serializer the check is one comparison for each number, in the same pass.
struct Checked<S>(S);

/// A value that is serialized through [`Checked`].
struct CheckedValue<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for CheckedValue<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Checked(serializer))
    }
}

#[cold]
fn refused<T, E: ser::Error>() -> Result<T, E> {
    Err(E::custom("a number that the documents do not allow"))
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $t:ty),*))*) => {
        $(#[inline] fn $method(self, $($argument: $t),*) -> Result<S::Ok, S::Error> { self.0.$method($($argument),*) })*
    };
}

macro_rules! numbers {
    ($($method:ident($t:ty, $is_allowed:expr))*) => {
        $(#[inline] fn $method(self, value: $t) -> Result<S::Ok, S::Error> {
            if $is_allowed(value) { self.0.$method(value) } else { refused() }
        })*
    };
}

impl<S: Serializer> Serializer for Checked<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Checked<S::SerializeSeq>;
    type SerializeTuple = Checked<S::SerializeTuple>;
    type SerializeTupleStruct = Checked<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Checked<S::SerializeTupleVariant>;
    type SerializeMap = Checked<S::SerializeMap>;
    type SerializeStruct = Checked<S::SerializeStruct>;
    type SerializeStructVariant = Checked<S::SerializeStructVariant>;

    forward! {
        serialize_bool(value: bool)
        serialize_i8(value: i8) serialize_i16(value: i16) serialize_i32(value: i32)
        serialize_u8(value: u8) serialize_u16(value: u16) serialize_u32(value: u32)
        serialize_char(value: char) serialize_str(value: &str) serialize_bytes(value: &[u8])
        serialize_none() serialize_unit() serialize_unit_struct(name: &'static str)
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str)
    }

    numbers! {
        serialize_i64(i64, |value: i64| value.unsigned_abs() <= MAX_SAFE_INTEGER)
        serialize_u64(u64, |value: u64| value <= MAX_SAFE_INTEGER)
        serialize_i128(i128, |value: i128| value.unsigned_abs() <= u128::from(MAX_SAFE_INTEGER))
        serialize_u128(u128, |value: u128| value <= u128::from(MAX_SAFE_INTEGER))
        serialize_f32(f32, f32::is_finite)
        serialize_f64(f64, f64::is_finite)
    }

    #[inline]
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&CheckedValue(value))
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &CheckedValue(value))
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &CheckedValue(value))
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.0.serialize_seq(len).map(Checked)
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.0.serialize_tuple(len).map(Checked)
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.0.serialize_tuple_struct(name, len).map(Checked)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0.serialize_tuple_variant(name, index, variant, len).map(Checked)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.0.serialize_map(len).map(Checked)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        self.0.serialize_struct(name, len).map(Checked)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.0.serialize_struct_variant(name, index, variant, len).map(Checked)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! compound {
    ($($part:ident :: $method:ident($($key:ident: $t:ty)?))*) => {
        $(impl<S: ser::$part> ser::$part for Checked<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $($key: $t,)? value: &T) -> Result<(), S::Error> {
                self.0.$method($($key,)? &CheckedValue(value))
            }

            #[inline]
            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
}

compound! {
    SerializeSeq::serialize_element()
    SerializeTuple::serialize_element()
    SerializeTupleStruct::serialize_field()
    SerializeTupleVariant::serialize_field()
    SerializeStruct::serialize_field(key: &'static str)
    SerializeStructVariant::serialize_field(key: &'static str)
}

impl<S: ser::SerializeMap> ser::SerializeMap for Checked<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    // A key is a string on the wire, so any number is allowed.
    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&CheckedValue(value))
    }

    #[inline]
    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}
