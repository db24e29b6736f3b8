//! `#[data]` and `#[ws_push]`: checks the attribute and its type.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Data, DeriveInput, Fields, Ident, LitStr, Meta, Path, Type};

use crate::{
    args::{self, Args, Word},
    channel::runtime,
    docs::Docs,
    errors::Errors,
    fields,
    item::{self, Declared, Schema},
    message_type,
    row::{self, Row},
    tokens,
};

/// A checked type that is part of messages; only [`check_data`] creates one.
pub(crate) struct Payload {
    pub(crate) runtime: Path,
    pub(crate) ident: Ident,
    /// True if each value is a string on the wire, so that it can be the subject of a channel.
    pub(crate) is_unit_enum: bool,
    /// The fields of a struct that can be the row of a table.
    pub(crate) row: Option<Row>,
}

/// A checked push; only [`check_push`] creates one.
pub(crate) struct Push {
    pub(crate) runtime: Path,
    pub(crate) ident: Ident,
    pub(crate) name: LitStr,
    pub(crate) docs: Docs,
}

/// The parts of a faulty declaration that its fallback needs.
pub(crate) struct Faulty {
    pub(crate) runtime: Path,
    pub(crate) derive: bool,
    pub(crate) errors: TokenStream,
}

/// Reads and checks a `#[data]` type.
pub(crate) fn check_data(arguments: TokenStream, input: &DeriveInput) -> Result<(Declared, Payload), Faulty> {
    const WORDS: &[Word] = &[args::CRATE, args::DERIVE];
    let errors = Errors::new();
    let mut args = Args::read(arguments, WORDS, &errors);
    let runtime = runtime(&mut args);
    let derive = args.switch(&args::DERIVE, true);
    refuse_union(input, "data is a struct or an enum", &errors);
    errors.check().map_err(|errors| Faulty { runtime: runtime.clone(), derive, errors })?;
    let ident = input.ident.clone();
    let (is_unit_enum, row) = (is_unit_enum(input), row::of(input));
    Ok((Declared::payload(input.clone(), derive), Payload { runtime, ident, is_unit_enum, row }))
}

/// Reads and checks a push.
pub(crate) fn check_push(arguments: TokenStream, input: &DeriveInput) -> Result<(Declared, Push), Faulty> {
    const WORDS: &[Word] = &[args::NAME, args::TAGS, args::SUMMARY, args::CRATE, args::DERIVE];
    let errors = Errors::new();
    let mut args = Args::read(arguments, WORDS, &errors);
    let runtime = runtime(&mut args);
    let derive = args.switch(&args::DERIVE, true);
    let docs = Docs::read(&mut args, &input.attrs);
    let name = args.text(&args::NAME);
    match &name {
        Some(name) => message_type::check_operation(name, "push", &errors),
        None if args.has(&args::NAME) => {}
        None => errors.at(Span::call_site(), "the name of the push is missing, as in `#[ws_push(\"notice\")]`"),
    }
    refuse_union(input, "a push is a struct or an enum", &errors);
    if !input.generics.params.is_empty() {
        errors.on(
            &input.generics,
            "a push cannot be generic, because its name stands for one type; declare a push for each type",
        );
    }
    let checked = errors.check();
    let faulty = |errors| Faulty { runtime: runtime.clone(), derive, errors };
    checked.map_err(faulty)?;
    let Some(name) = name else { return Err(faulty(TokenStream::new())) };
    let ident = input.ident.clone();
    Ok((Declared::payload(input.clone(), derive), Push { runtime, ident, name, docs }))
}

/// A field of a payload whose type the expansion checks.
pub(crate) struct Part {
    pub(crate) ty: Type,
    pub(crate) cfgs: Vec<Attribute>,
}

/// Returns the fields whose types must implement the derived traits: all of them, except those
/// whose attributes replace a trait. Returns none if the user wrote a derive, or if the item is
/// generic and the bounds of its parameters are unknown.
pub(crate) fn parts(item: &Declared) -> Vec<Part> {
    let Declared { input, derives } = item;
    if !derives.serialize || !derives.deserialize || derives.schema != Schema::Mirror {
        return Vec::new();
    }
    let is_plain = |attrs: &[Attribute]| {
        let has = |name: &str| attrs.iter().any(|attr| attr.path().is_ident(name));
        !["serde", "schemars", "cfg_attr"].into_iter().any(has)
    };
    let cfgs = |attrs: &[Attribute]| -> Vec<Attribute> {
        attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
    };
    let of = |around: &[Attribute], fields: &Fields| -> Vec<Part> {
        // The check is outside the item, where `Self` is not available.
        let plain = fields.iter().filter(|field| is_plain(&field.attrs) && !tokens::has_self(&field.ty));
        plain.map(|field| Part { ty: field.ty.clone(), cfgs: [cfgs(around), cfgs(&field.attrs)].concat() }).collect()
    };
    match &input.data {
        Data::Struct(data) => of(&[], &data.fields),
        Data::Enum(data) => {
            let plain = data.variants.iter().filter(|variant| is_plain(&variant.attrs));
            plain.flat_map(|variant| of(&variant.attrs, &variant.fields)).collect()
        }
        Data::Union(_) => Vec::new(),
    }
}

fn refuse_union(input: &DeriveInput, wanted: &str, errors: &Errors) {
    if let (kind @ "a union", span) = item::describe(input) {
        errors.at(span, format!("this is {kind}; {wanted}"));
    }
}

/// Returns true if serde writes every value as the name of its variant.
fn is_unit_enum(input: &DeriveInput) -> bool {
    const OTHER_FORMS: [&str; 4] = ["tag", "untagged", "into", "remote"];
    let Data::Enum(data) = &input.data else { return false };
    let plain = |attrs: &[Attribute]| {
        let mut words = attrs.iter().flat_map(fields::words);
        !words.any(|word: Meta| OTHER_FORMS.iter().any(|form| word.path().is_ident(form)))
    };
    let unit = |variant: &syn::Variant| matches!(variant.fields, Fields::Unit) && plain(&variant.attrs);
    input.generics.params.is_empty() && plain(&input.attrs) && data.variants.iter().all(unit)
}
