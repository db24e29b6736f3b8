//! Expands the kind of a channel, and the key of a table.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Ident, Type, ext::IdentExt as _};

use super::{P, function, option};
use crate::{kind::Kind, place};

/// Returns the runtime's type of the kind.
pub(super) fn type_of(kind: &Kind) -> TokenStream {
    let p = &P;
    match kind {
        Kind::Events { .. } => quote!(#p::Events),
        Kind::Latest => quote!(#p::Latest),
        Kind::Table(_) => quote!(#p::Table),
    }
}

/// Returns the kind's part of the fragment.
pub(super) fn fragment(kind: &Kind) -> TokenStream {
    let p = &P;
    match kind {
        Kind::Events { history } => {
            let history = match history {
                Some(history) => {
                    let count = option(history.count.map(|count| quote!(#count)));
                    let age = option(history.age_ms.map(|age| quote!(#age)));
                    quote!(#p::history(#count, #age))
                }
                None => option(None),
            };
            quote!(#p::events(#history))
        }
        Kind::Latest => quote!(#p::KindFragment::Latest),
        Kind::Table(table) => {
            let names = table.key.iter().map(|field| field.unraw().to_string());
            let checksum = table.checksum;
            quote!(#p::table(&#p::key_names(__FIELDS, [#(#names),*]), #checksum))
        }
    }
}

/// Returns the name of the function that publishes an update.
pub(super) fn publish(kind: &Kind) -> TokenStream {
    match kind {
        Kind::Events { .. } | Kind::Latest => quote!(update),
        Kind::Table(_) => quote!(update_row::<Self>),
    }
}

/// Returns the key of a table: its type, and the function that reads it from a row.
///
/// The lookup of each field is a constant of its own, so that the compiler reports every unknown
/// field, each once and at its name.
pub(super) fn table(channel: &Ident, kind: &Kind, row: &Type) -> TokenStream {
    let Kind::Table(table) = kind else { return TokenStream::new() };
    let p = &P;
    let lookups = table.key.iter().enumerate().map(|(at, field)| {
        let constant = constant(at);
        let name = field.unraw().to_string();
        let lookup = place::at(field.span(), quote!(#p::key_field(__FIELDS, #name)));
        quote!(const #constant: usize = #lookup;)
    });
    let fields = (0..table.key.len()).map(|at| {
        let constant = constant(at);
        let value = quote!(#p::Keyed::part(<#row as #p::FieldOf<{ #constant }>>::get(row)));
        (quote!(#p::PartOf<#row, { #constant }>), value)
    });
    let (types, values): (Vec<_>, Vec<_>) = fields.unzip();
    let (key, value) = match table.key.len() {
        1 => (quote!(#(#types)*), quote!(#(#values)*)),
        _ => (quote!((#(#types),*)), quote!((#(#values),*))),
    };
    let listed = function("row_fields", row);
    let tabular = quote! {
        impl #p::Tabular for #channel {
            type Key = #key;
            fn key(row: &Self::Update) -> Self::Key {
                #value
            }
        }
    };
    // The compiler reports the type of a member at the tuple.
    let tabular = place::at(table.span, tabular);
    quote! {
        const __FIELDS: &[#p::RowField] = #listed();
        #(#lookups)*
        #tabular
    }
}

/// Returns the table of a faulty declaration. Without a key, the key is a string.
pub(super) fn stub(input: &DeriveInput, kind: &Kind, row: Option<&Type>) -> TokenStream {
    let Kind::Table(table) = kind else { return TokenStream::new() };
    if let (Some(row), true, true) = (row, input.generics.params.is_empty(), (1..=4).contains(&table.key.len())) {
        return self::table(&input.ident, kind, row);
    }
    let p = &P;
    let ident = &input.ident;
    let generics = super::stub::bounded(&input.generics, p);
    let (params, arguments, bounds) = generics.split_for_impl();
    quote! {
        impl #params #p::Tabular for #ident #arguments #bounds {
            type Key = #p::String;
            fn key(_: &Self::Update) -> Self::Key { loop {} }
        }
    }
}

/// Returns the name of the constant for a field of the key.
fn constant(at: usize) -> Ident {
    format_ident!("__KEY{at}")
}
