//! The fields of a `#[data]` struct that can be the row of a table.

use syn::{Attribute, Data, DeriveInput, Field, Fields, Generics, Ident, Meta, Type, Visibility, ext::IdentExt as _};

use crate::fields;

/// A struct with named fields.
pub(crate) struct Row {
    pub(crate) generics: Generics,
    pub(crate) fields: Vec<RowField>,
}

/// A field of a row.
pub(crate) struct RowField {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) cfgs: Vec<Attribute>,
    /// The wire name, or the reason why the field cannot be part of a key.
    pub(crate) wire: Result<String, String>,
}

/// serde's attributes that replace a struct with another representation.
const OTHER_FORMS: [&str; 5] = ["transparent", "from", "try_from", "into", "remote"];

/// serde's attributes that omit a field from the row or change its value.
const CHANGES: [&str; 9] = [
    "skip",
    "skip_serializing",
    "skip_deserializing",
    "skip_serializing_if",
    "flatten",
    "with",
    "serialize_with",
    "deserialize_with",
    "getter",
];

/// The types of key fields that are visible everywhere.
const PUBLIC_TYPES: [&str; 13] =
    ["String", "char", "bool", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];

/// Returns the fields of a struct that is an object of its fields on the wire.
pub(crate) fn of(input: &DeriveInput) -> Option<Row> {
    let Data::Struct(data) = &input.data else { return None };
    let Fields::Named(named) = &data.fields else { return None };
    if OTHER_FORMS.iter().any(|form| has_word(&input.attrs, form)) {
        return None;
    }
    let field = |field: &Field| {
        let ident = field.ident.clone()?;
        let cfgs = field.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
        let wire = match unfit(input, field) {
            Some(reason) => Err(reason),
            None => Ok(fields::written(&input.attrs, field, &ident.unraw().to_string())),
        };
        Some(RowField { ident, ty: field.ty.clone(), cfgs, wire })
    };
    Some(Row { generics: input.generics.clone(), fields: named.named.iter().filter_map(field).collect() })
}

/// Returns the reason why a field cannot be part of a key, if there is one.
fn unfit(input: &DeriveInput, field: &Field) -> Option<String> {
    if let Some(word) = CHANGES.iter().find(|word| has_word(&field.attrs, word)) {
        return Some(format!(
            "with `{word}` a row may lack the field or write another value; name another field, or remove the attribute"
        ));
    }
    if [&input.attrs, &field.attrs].into_iter().flatten().any(fields::is_conditional) {
        return Some("`cfg_attr` would make its wire name depend on the build; write `#[serde(…)]`".to_owned());
    }
    if !is_visible(input, field) {
        return Some("its type may be private; make the field as visible as the struct".to_owned());
    }
    None
}

fn has_word(attrs: &[Attribute], word: &str) -> bool {
    attrs.iter().flat_map(fields::words).any(|meta: Meta| meta.path().is_ident(word))
}

/// Returns true if the field's type is at least as visible as the struct, as an associated type
/// must be. The type of a field that is less visible than the struct may be private.
fn is_visible(input: &DeriveInput, field: &Field) -> bool {
    let is_public_type =
        matches!(&field.ty, Type::Path(path) if PUBLIC_TYPES.iter().any(|known| path.path.is_ident(known)));
    is_public_type || matches!(field.vis, Visibility::Public(_)) || field.vis == input.vis || {
        matches!(input.vis, Visibility::Inherited)
    }
}
