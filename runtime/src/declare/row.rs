//! The fields of a struct that can be the row of a table, and their lookup at compile time.
//!
//! `#[data]` sees the fields of a row, and `#[ws_router]` sees only the row's name. So `#[data]`
//! lists the fields with their numbers, and the expansion of `#[ws_router]` looks up the number of
//! a key field in a constant.

use crate::declare::{
    key::KeyField,
    text::{Message, same},
};

/// A struct with named fields that has `#[data]`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the row of a table",
    label = "a table's row is a struct with named fields that has `#[topicast::data]`",
    note = "put `#[topicast::data]` on the struct; rows that are enums, tuple structs or transparent have no field to be the key"
)]
pub trait Row {
    const FIELDS: &'static [RowField];
}

/// The type and the value of the field with number `AT`.
#[doc(hidden)]
pub trait FieldOf<const AT: usize> {
    type Type;

    fn get(&self) -> &Self::Type;
}

/// A field of a row.
#[doc(hidden)]
#[derive(Debug)]
pub struct RowField {
    name: &'static str,
    /// The field's name on the wire.
    wire: &'static str,
    /// The number by which [`FieldOf`] knows the field.
    at: usize,
    /// The reason why the field cannot be part of a key; empty if it can.
    unfit: &'static str,
}

/// Creates a field that can be part of a key.
#[doc(hidden)]
pub const fn row_field(name: &'static str, wire: &'static str, at: usize) -> RowField {
    RowField { name, wire, at, unfit: "" }
}

/// Creates a field that cannot be part of a key for the given reason.
#[doc(hidden)]
pub const fn unfit_field(name: &'static str, unfit: &'static str) -> RowField {
    RowField { name, wire: name, at: usize::MAX, unfit }
}

/// Returns the fields of a row. The compiler reports a type that is no row here.
#[doc(hidden)]
pub const fn row_fields<R: Row>() -> &'static [RowField] {
    R::FIELDS
}

/// Returns the number of the field with this name. Fails the build if the row has no such field, or
/// if it cannot be part of a key.
#[doc(hidden)]
#[track_caller]
pub const fn key_field(fields: &[RowField], name: &str) -> usize {
    let mut at = 0;
    while at < fields.len() {
        let field = &fields[at];
        if same(field.name, name) {
            if !field.unfit.is_empty() {
                let message = Message::new().push("the field `").push(name).push("` cannot be part of a key: ");
                panic!("{}", message.push(field.unfit).as_str());
            }
            return field.at;
        }
        at += 1;
    }
    let mut message = Message::new().push("the key names no field of the row: `").push(name);
    message = message.push(if fields.is_empty() { "`; there are none" } else { "`; the fields are `" });
    let mut at = 0;
    while at < fields.len() {
        message = message.push(if at == 0 { "" } else { "`, `" }).push(fields[at].name);
        at += 1;
    }
    panic!("{}", message.push(if fields.is_empty() { "" } else { "`" }).as_str());
}

/// Returns the wire names of the fields with these names. [`key_field`] reports an unknown field, so
/// that the compiler does so once.
#[doc(hidden)]
pub const fn key_names<const N: usize>(fields: &[RowField], mut names: [&'static str; N]) -> [&'static str; N] {
    let mut member = 0;
    while member < N {
        let mut at = 0;
        while at < fields.len() && !same(fields[at].name, names[member]) {
            at += 1;
        }
        if at < fields.len() {
            names[member] = fields[at].wire;
        }
        member += 1;
    }
    names
}

/// A type that a field of a key can have: every [`KeyField`].
///
/// Expansions name the type of a key through it, as they name updates through
/// [`Sends`](crate::declare::Sends), so that the compiler reports the message below.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a table's key",
    label = "a key is made of strings, integers, booleans and enums of unit variants",
    note = "name another field in `key = …`; an enum of unit variants needs `#[topicast::data]` and `#[derive(Debug, Clone)]`",
    note = "a newtype of your own that serializes as a string, a number or a boolean can opt in: `impl topicast::KeyField for … {{}}`"
)]
pub trait Keyed {
    /// `Self`.
    type Type: KeyField;

    fn part(&self) -> Self::Type;
}

#[diagnostic::do_not_recommend]
impl<T: KeyField> Keyed for T {
    type Type = T;

    fn part(&self) -> T {
        self.clone()
    }
}

/// The type of the field with number `AT` of the row `R`, as a part of a key.
#[doc(hidden)]
pub type PartOf<R, const AT: usize> = <<R as FieldOf<AT>>::Type as Keyed>::Type;
