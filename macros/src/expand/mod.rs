//! Writes out what was checked; the only place that quotes.

pub(crate) mod channel;
pub(crate) mod item;
pub(crate) mod list;
pub(crate) mod operation;
pub(crate) mod payload;
pub(crate) mod stub;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Path, Type, spanned::Spanned as _};

use crate::{
    docs::{Description, Docs},
    place,
};

/// The module that is the whole contract between an expansion and the runtime.
fn private(runtime: &Path) -> TokenStream {
    quote!(#runtime::__private)
}

/// The application's state, `()` where none was named.
fn state(state: Option<&Type>) -> TokenStream {
    state.map_or_else(|| quote!(()), |state| quote!(#state))
}

fn option(p: &TokenStream, value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(#p::Some(#value)),
        None => quote!(#p::None),
    }
}

fn docs(p: &TokenStream, docs: &Docs) -> TokenStream {
    let summary = option(p, docs.summary.as_ref().map(|summary| quote!(#summary)));
    let tags = &docs.tags;
    let description = match &docs.description {
        Description::Text(text) => quote!(#text),
        Description::Lines(lines) => {
            let (first, rest) = (lines.iter().take(1), lines.iter().skip(1));
            quote!(#p::concat!(#(#first)* #(, "\n", #rest)*))
        }
    };
    quote!(#p::Docs { summary: #summary, description: #description, tags: &[#(#tags),*] })
}

/// What a channel's subscribers receive.
fn update(p: &TokenStream, ty: &Type) -> TokenStream {
    let sent = sent(p, ty);
    quote_spanned!(ty.span()=> type Update = #sent;)
}

/// A type that must be sendable, written so that the error is one and points at the type.
fn sent(p: &TokenStream, ty: &Type) -> TokenStream {
    let p = place::at(ty.span(), p.clone());
    quote_spanned!(ty.span()=> <#p::Wire as #p::Sends<#ty>>::Type)
}

/// A function of the runtime for a type, all of it at the type: what the type lacks is to be
/// reported there, and versions of the compiler differ in which part of a call they point at.
fn function(p: &TokenStream, name: &str, ty: &Type) -> TokenStream {
    let p = place::at(ty.span(), p.clone());
    let name = Ident::new(name, ty.span());
    quote_spanned!(ty.span()=> #p::#name::<#ty>)
}
