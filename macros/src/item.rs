//! The user's item and the derives that the attribute adds to it.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Attribute, Data, DeriveInput, Fields, Item, Meta, Path, Token, punctuated::Punctuated};

use crate::fields;

/// A struct or enum, and the derives that its declaration adds.
pub(crate) struct Declared {
    pub(crate) input: DeriveInput,
    pub(crate) derives: Derives,
}

/// The derives that an attribute adds: those that the user has not written, or none.
pub(crate) struct Derives {
    pub(crate) serialize: bool,
    pub(crate) deserialize: bool,
    pub(crate) schema: Schema,
    /// True if `#[serde(crate = …)]` names the runtime's serde. False if the user wrote one of the
    /// two derives, because the attribute applies to both.
    pub(crate) serde_crate: bool,
    /// True for the unit struct of a request. serde writes it as `null`, but a request is an object,
    /// so serde's derives are on a mirror with braces.
    pub(crate) as_object: bool,
}

/// The source of the item's schema.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Schema {
    /// Derived or implemented by the user.
    Theirs,
    /// Derived on a private mirror of the item, since schemars' derive is not hygienic.
    Mirror,
    /// Derived on the item itself. A mirror can neither have the schema name of a generic type nor
    /// the schema of a transparent one.
    Direct,
}

impl Declared {
    /// Creates a request's item, which is an object on the wire even if it is a unit struct.
    pub(crate) fn request(input: DeriveInput, derive: bool) -> Self {
        let mut item = Self::payload(input, derive);
        let unit = matches!(&item.input.data, Data::Struct(data) if matches!(data.fields, Fields::Unit));
        let derives = &mut item.derives;
        derives.as_object = unit && derives.serialize && derives.deserialize && derives.schema == Schema::Mirror;
        item
    }

    /// Creates an item in serde's own representation.
    pub(crate) fn payload(input: DeriveInput, derive: bool) -> Self {
        let theirs = derived(&input.attrs);
        // The derives do not support unions, which the attribute reports.
        let derive = derive && !matches!(input.data, Data::Union(_));
        let ours = |name: &str| derive && !theirs.contains(name);
        let (serialize, deserialize) = (ours("Serialize"), ours("Deserialize"));
        let schema = if !ours("JsonSchema") {
            Schema::Theirs
        } else if !input.generics.params.is_empty() || has_serde_word(&input.attrs, "transparent") {
            Schema::Direct
        } else {
            Schema::Mirror
        };
        let serde_crate = serialize && deserialize && !has_serde_word(&input.attrs, "crate");
        Self { input, derives: Derives { serialize, deserialize, schema, serde_crate, as_object: false } }
    }

    /// Returns the item without the helper attributes of derives that are on the mirror.
    pub(crate) fn plain(&self) -> DeriveInput {
        let mut input = self.input.clone();
        if self.derives.schema == Schema::Mirror {
            let validates = derived(&input.attrs).contains("Validate");
            each_attrs(&mut input, &mut |attrs| {
                attrs.retain(|attr| {
                    !mentions(attr, &["schemars"]) && (validates || !mentions(attr, &["validate", "garde"]))
                });
            });
        }
        if self.derives.as_object {
            each_attrs(&mut input, &mut |attrs| attrs.retain(|attr| !mentions(attr, &["serde"])));
        }
        input
    }

    /// Returns the item's mirror: another name, and only the parts that affect the schema.
    pub(crate) fn mirror(&self, name: &str) -> DeriveInput {
        let mut mirror = self.input.clone();
        mirror.ident = syn::Ident::new(name, Span::call_site());
        mirror.vis = syn::Visibility::Inherited;
        each_attrs(&mut mirror, &mut |attrs| {
            attrs.retain(|attr| {
                attr.path().is_ident("cfg")
                    || mentions(attr, &["doc", "serde", "schemars", "validate", "garde", "deprecated"])
            });
        });
        match &mut mirror.data {
            Data::Struct(data) => {
                for field in &mut data.fields {
                    field.vis = syn::Visibility::Inherited;
                }
                if self.derives.as_object {
                    data.fields =
                        Fields::Named(syn::FieldsNamed { brace_token: Default::default(), named: Punctuated::new() });
                    data.semi_token = None;
                }
            }
            Data::Enum(data) => {
                for variant in &mut data.variants {
                    variant.discriminant = None;
                }
            }
            Data::Union(_) => {}
        }
        mirror
    }

    /// Returns true if the user wrote a derive of a unit struct, so that it is `null` on the wire.
    pub(crate) fn is_null(&self) -> bool {
        let derived = derived(&self.input.attrs);
        let theirs = ["Serialize", "Deserialize", "JsonSchema"].iter().any(|name| derived.contains(*name));
        theirs && !self.derives.as_object
    }

    /// Returns true if the user gave the schema a name.
    pub(crate) fn is_renamed(&self) -> bool {
        has_serde_word(&self.input.attrs, "rename") || has_word(&self.input.attrs, "schemars", "rename")
    }

    /// Returns true if `#[serde(default)]` on the container fills missing fields from `Default`.
    pub(crate) fn has_container_default(&self) -> bool {
        self.input
            .attrs
            .iter()
            .flat_map(fields::words)
            .any(|word| matches!(&word, Meta::Path(path) if path.is_ident("default")))
    }

    /// Returns true if the user wrote schemars' path.
    pub(crate) fn has_schemars_crate(&self) -> bool {
        has_word(&self.input.attrs, "schemars", "crate")
    }
}

/// Parses a struct, enum or union. The error names any other item and points at its keyword.
pub(crate) fn read(item: &TokenStream) -> Result<DeriveInput, (&'static str, Span)> {
    match syn::parse2(item.clone()) {
        Ok(Item::Struct(item)) => Ok(item.into()),
        Ok(Item::Enum(item)) => Ok(item.into()),
        Ok(Item::Union(item)) => Ok(item.into()),
        Ok(Item::Fn(item)) => Err(("a function", item.sig.fn_token.span)),
        Ok(Item::Trait(item)) => Err(("a trait", item.trait_token.span)),
        Ok(Item::Impl(item)) => Err(("an implementation", item.impl_token.span)),
        Ok(Item::Mod(item)) => Err(("a module", item.mod_token.span)),
        Ok(Item::Type(item)) => Err(("a type alias", item.type_token.span)),
        _ => Err(("something else", Span::call_site())),
    }
}

/// Returns the description of an item for error messages, and the span of its keyword.
pub(crate) fn describe(input: &DeriveInput) -> (&'static str, Span) {
    match &input.data {
        Data::Struct(data) => ("a struct", data.struct_token.span),
        Data::Enum(data) => ("an enum", data.enum_token.span),
        Data::Union(data) => ("a union", data.union_token.span),
    }
}

/// Returns the last segments of the paths that the user derives.
fn derived(attrs: &[Attribute]) -> BTreeSet<String> {
    let derives = attrs.iter().filter(|attr| attr.path().segments.last().is_some_and(|name| name.ident == "derive"));
    let paths = derives
        .flat_map(|attr| attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default());
    paths.filter_map(|path| Some(path.segments.last()?.ident.to_string())).collect()
}

fn has_serde_word(attrs: &[Attribute], word: &str) -> bool {
    has_word(attrs, "serde", word)
}

/// Returns true if `#[attribute(…, word …)]` is among the attributes. It compares tokens, because
/// schemars' values do not always parse as a `Meta`.
fn has_word(attrs: &[Attribute], attribute: &str, word: &str) -> bool {
    attrs.iter().filter(|attr| attr.path().is_ident(attribute)).any(|attr| match &attr.meta {
        Meta::List(list) => {
            let tokens: Vec<TokenTree> = list.tokens.clone().into_iter().collect();
            let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
            tokens.split(is_comma).any(|words| words.first().is_some_and(|first| is_word(first, &[word])))
        }
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}

/// Returns true if the attribute is one of these, or a `cfg_attr` that adds one of these.
fn mentions(attr: &Attribute, names: &[&str]) -> bool {
    let path = attr.path();
    names.iter().any(|name| path.is_ident(name))
        || path.is_ident("cfg_attr")
            && matches!(&attr.meta, Meta::List(list) if list.tokens.clone().into_iter().any(|token| is_word(&token, names)))
}

fn is_word(token: &TokenTree, words: &[&str]) -> bool {
    matches!(token, TokenTree::Ident(ident) if words.iter().any(|word| ident == word))
}

fn each_attrs(input: &mut DeriveInput, change: &mut impl FnMut(&mut Vec<Attribute>)) {
    change(&mut input.attrs);
    match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().for_each(|field| change(&mut field.attrs)),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                change(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| change(&mut field.attrs));
            }
        }
        Data::Union(_) => {}
    }
}

/// Removes the serde attributes whose errors are already reported, so that serde does not report
/// them again.
pub(crate) fn without_refused(mut input: DeriveInput) -> DeriveInput {
    each_attrs(&mut input, &mut |attrs| attrs.retain(|attr| !fields::is_refused(attr)));
    input
}
