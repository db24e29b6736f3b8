//! Expands checked declarations; the only module that quotes.

pub(crate) mod channel;
pub(crate) mod item;
mod kind;
pub(crate) mod list;
pub(crate) mod operation;
pub(crate) mod payload;
mod row;
pub(crate) mod stub;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Path, Type, spanned::Spanned as _};

use crate::{
    docs::{Description, Docs},
    place,
};

/// Returns the path of the module that is the interface between expansions and the runtime.
fn private(runtime: &Path) -> TokenStream {
    quote!(#runtime::__private)
}

/// The short name that [`aliased`] gives to the private module.
struct P;

impl ToTokens for P {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        Ident::new("__p", Span::call_site()).to_tokens(tokens);
    }
}

/// Wraps items in a scope in which the private module has a short name.
fn aliased(runtime: &Path, items: &TokenStream) -> TokenStream {
    let private = private(runtime);
    quote! {
        const _: () = {
            use #private as #P;
            #items
        };
    }
}

/// Returns the application's state, or `()` if the declaration names none.
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

/// Returns the associated type of a channel's updates.
fn update(ty: &Type) -> TokenStream {
    let sent = sent(ty);
    quote_spanned!(ty.span()=> type Update = #sent;)
}

/// Returns a type that must be sendable, written so that the compiler reports a single error at the
/// type.
fn sent(ty: &Type) -> TokenStream {
    let p = place::at(ty.span(), quote!(#P));
    quote_spanned!(ty.span()=> <#p::Wire as #p::Sends<#ty>>::Type)
}

/// Returns the path of a runtime function for a type, with all tokens located at the type. The
/// compiler then reports missing traits there, whichever part of a call its version points at.
fn function(name: &str, ty: &Type) -> TokenStream {
    let p = place::at(ty.span(), quote!(#P));
    let name = Ident::new(name, ty.span());
    quote_spanned!(ty.span()=> #p::#name::<#ty>)
}
