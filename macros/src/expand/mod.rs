//! Writes out what was checked; the only place that quotes.

pub(crate) mod channel;
pub(crate) mod item;
pub(crate) mod list;
pub(crate) mod operation;
pub(crate) mod payload;
pub(crate) mod stub;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Path, Type, spanned::Spanned as _};

use crate::{
    docs::{Description, Docs},
    place,
};

/// The module that is the whole contract between an expansion and the runtime.
fn private(runtime: &Path) -> TokenStream {
    quote!(#runtime::__private)
}

/// The short name that [`aliased`] gives that module.
struct P;

impl ToTokens for P {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        Ident::new("__p", Span::call_site()).to_tokens(tokens);
    }
}

/// Items in a scope of their own, where the runtime has a short name.
fn aliased(runtime: &Path, items: &TokenStream) -> TokenStream {
    let private = private(runtime);
    quote! {
        const _: () = {
            use #private as #P;
            #items
        };
    }
}

/// The application's state, `()` where none was named.
fn state(state: Option<&Type>) -> TokenStream {
    state.map_or_else(|| quote!(()), |state| quote!(#state))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(#P::Some(#value)),
        None => quote!(#P::None),
    }
}

fn docs(docs: &Docs) -> TokenStream {
    let summary = option(docs.summary.as_ref().map(|summary| quote!(#summary)));
    let tags = &docs.tags;
    let description = match &docs.description {
        Description::Text(text) => quote!(#text),
        Description::Lines(lines) => {
            let (first, rest) = (lines.iter().take(1), lines.iter().skip(1));
            quote!(#P::concat!(#(#first)* #(, "\n", #rest)*))
        }
    };
    quote!(#P::Docs { summary: #summary, description: #description, tags: &[#(#tags),*] })
}

/// What a channel's subscribers receive.
fn update(ty: &Type) -> TokenStream {
    let sent = sent(ty);
    quote_spanned!(ty.span()=> type Update = #sent;)
}

/// A type that must be sendable, written so that the error is one and points at the type.
fn sent(ty: &Type) -> TokenStream {
    let p = place::at(ty.span(), quote!(#P));
    quote_spanned!(ty.span()=> <#p::Wire as #p::Sends<#ty>>::Type)
}

/// A function of the runtime for a type, all of it at the type: what the type lacks is to be
/// reported there, and versions of the compiler differ in which part of a call they point at.
fn function(name: &str, ty: &Type) -> TokenStream {
    let p = place::at(ty.span(), quote!(#P));
    let name = Ident::new(name, ty.span());
    quote_spanned!(ty.span()=> #p::#name::<#ty>)
}
