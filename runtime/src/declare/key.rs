//! The key of a table's rows as a Rust type.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::declare::{channel::Channel, kind};

/// A type whose values can be part of a table's key.
///
/// Implemented for strings, integers, booleans and [`#[data]`](crate::data) enums of unit variants
/// that are `Clone` and `Debug`. A newtype of your own that serializes as one of these can implement
/// it by hand, with an empty body. `f64` does not implement it, because a computed price is seldom
/// exactly the price of an existing row; a newtype that rounds to ticks can.
///
/// ```
/// /// A price that is a multiple of the tick.
/// #[topicast::data]
/// #[derive(Debug, Clone)]
/// pub struct Price(f64);
///
/// impl topicast::KeyField for Price {}
///
/// #[topicast::data]
/// #[derive(Debug, Clone)]
/// pub enum Side { Bid, Ask }
///
/// #[topicast::data]
/// pub struct Level { pub side: Side, pub price: Price, pub size: f64 }
///
/// #[topicast::ws_router(route = "orderbook", update = Level, table(key = (side, price)))]
/// pub struct OrderBook { pub symbol: String }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a table's key",
    label = "a key is made of strings, integers, booleans and enums of unit variants",
    note = "name another field in `key = …`; an enum of unit variants needs `#[topicast::data]` and `#[derive(Debug, Clone)]`",
    note = "a newtype of your own that serializes as a string, a number or a boolean can opt in: `impl topicast::KeyField for … {{}}`"
)]
pub trait KeyField: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {}

macro_rules! key_fields {
    ($($t:ty)*) => { $(impl KeyField for $t {})* };
}

key_fields! { String Box<str> char bool u8 u16 u32 u64 usize i8 i16 i32 i64 isize }

impl KeyField for std::borrow::Cow<'static, str> {}

/// An enum whose values are the names of its variants on the wire. `#[data]` implements it.
///
/// Not every such enum is a [`KeyField`]: the blanket implementation asks for the rest, which
/// the enum of a payload need not have.
#[doc(hidden)]
pub trait UnitEnum {}

#[diagnostic::do_not_recommend]
impl<T: UnitEnum + Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static> KeyField for T {}

/// The key of a table's rows: a [`KeyField`], or a tuple of two to four of them.
///
/// ```
/// use topicast::Key;
///
/// let key = ("bid".to_owned(), 61_837_u64);
/// let values = key.values()?;
/// assert_eq!(values, [serde_json::json!("bid"), serde_json::json!(61_837)]);
/// assert_eq!(<(String, u64)>::from_values(values)?, key);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a table",
    label = "a key is one key field, or a tuple of two to four of them",
    note = "a key field is a string, an integer, a boolean, an enum of unit variants or a type that implements `topicast::KeyField`"
)]
pub trait Key: Clone + Debug + Send + Sync + Sized + 'static {
    /// Returns the values of the key's members, in the order of the declaration.
    ///
    /// # Errors
    /// When a member does not serialize.
    fn values(&self) -> Result<Vec<Value>, serde_json::Error>;

    /// Reads a key from the values of its members, in the order of the declaration.
    ///
    /// # Errors
    /// When a value does not deserialize, or when there are too few or too many.
    fn from_values(values: Vec<Value>) -> Result<Self, serde_json::Error>;
}

impl<T: KeyField> Key for T {
    fn values(&self) -> Result<Vec<Value>, serde_json::Error> {
        Ok(vec![value(self)?])
    }

    fn from_values(values: Vec<Value>) -> Result<Self, serde_json::Error> {
        let [value] = exactly(values)?;
        serde_json::from_value(value)
    }
}

macro_rules! keys {
    ($($field:ident)*) => {
        #[expect(non_snake_case, reason = "a variable has the name of its type parameter")]
        impl<$($field: KeyField),*> Key for ($($field),*) {
            fn values(&self) -> Result<Vec<Value>, serde_json::Error> {
                let ($($field),*) = self;
                Ok(vec![$(value($field)?),*])
            }

            fn from_values(values: Vec<Value>) -> Result<Self, serde_json::Error> {
                let [$($field),*] = exactly(values)?;
                Ok(($(serde_json::from_value($field)?),*))
            }
        }
    };
}

keys! { A B }
keys! { A B C }
keys! { A B C D }

/// Returns the value that a row's JSON text has. `serde_json::to_value` would give an `f32` other
/// digits than the text.
fn value<T: Serialize>(field: &T) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&serde_json::to_string(field)?)
}

fn exactly<const N: usize>(values: Vec<Value>) -> Result<[Value; N], serde_json::Error> {
    values.try_into().map_err(|values: Vec<Value>| {
        serde::de::Error::invalid_length(values.len(), &format!("the {N} members of the key").as_str())
    })
}

/// A channel whose state is a table: rows by key.
///
/// [`#[ws_router]`](crate::ws_router) implements it for a channel declared with `table(key = …)`. Use
/// it as the bound of code that works with any table:
///
/// ```
/// use topicast::Tabular;
///
/// #[topicast::data]
/// pub struct Order { pub id: String, pub price: f64 }
///
/// #[topicast::ws_router(route = "orders", update = Order, table(key = id))]
/// pub struct Orders { pub account: String }
///
/// fn newest<C: Tabular<Key: Ord>>(keys: &[C::Key]) -> Option<&C::Key> {
///     keys.iter().max()
/// }
/// assert_eq!(newest::<Orders>(&["O1".to_owned(), "O2".to_owned()]), Some(&"O2".to_owned()));
/// ```
#[diagnostic::on_unimplemented(
    message = "the channel `{Self}` is not a table",
    label = "declared without `table(key = …)`",
    note = "publish an update with `publish(&update)`, or declare the channel with `table(key = …)`"
)]
pub trait Tabular: Channel<Kind = kind::Table> {
    /// The key of a row: the field that `key = …` names, or the tuple of the fields.
    type Key: Key;

    /// Returns the key of a row.
    #[doc(hidden)]
    fn key(row: &Self::Update) -> Self::Key;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
    struct Tick(f32);

    impl KeyField for Tick {}

    #[test]
    fn a_key_survives_its_values() {
        fn check<K: Key + PartialEq>(key: &K, expected: &[Value]) {
            let values = key.values().unwrap();
            assert_eq!(values, expected);
            assert_eq!(&K::from_values(values).unwrap(), key);
        }
        check(&"é".to_owned(), &["é".into()]);
        check(&(true, -3_i8), &[true.into(), (-3).into()]);
        check(&('x', 1_u8, Box::<str>::from("")), &["x".into(), 1.into(), "".into()]);
        check(&(1_u8, 2_u16, 3_u32, u64::MAX), &[1.into(), 2.into(), 3.into(), u64::MAX.into()]);
        // As the row's text has it, not 0.10000000149011612.
        check(&Tick(0.1), &[0.1.into()]);
    }

    #[test]
    fn values_of_another_key_are_refused() {
        let error = <(String, u8)>::from_values(vec!["a".into()]).unwrap_err();
        assert_eq!(error.to_string(), "invalid length 1, expected the 2 members of the key");
        assert!(<(String, u8)>::from_values(vec!["a".into(), 256.into()]).is_err());
        assert!(String::from_values(vec!["a".into(), "b".into()]).is_err());
    }
}
