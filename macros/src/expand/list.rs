//! `channels!` and `operations!`: a check that no name repeats, and the rows.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use super::{private, state};
use crate::list::{List, text};

/// Which of the two lists it is, in the runtime's words.
pub(crate) struct Kind {
    listed: &'static str,
    name: &'static str,
    build: &'static str,
    /// What is wrong when two entries have one name.
    clash: &'static str,
}

pub(crate) const CHANNELS: Kind = Kind {
    listed: "ListedChannel",
    name: "ROUTE",
    build: "channels",
    clash: "has the route of a channel before it in this list; a route is one channel's",
};

pub(crate) const OPERATIONS: Kind = Kind {
    listed: "ListedOperation",
    name: "NAME",
    build: "operations",
    clash: "has the name of an operation or push before it in this list; a name is one operation's",
};

pub(crate) fn list(list: &List, kind: &Kind) -> TokenStream {
    let p = &private(&list.runtime);
    let state = &state(list.state.as_ref());
    let [listed, name, build] = [kind.listed, kind.name, kind.build].map(|name| Ident::new(name, Span::call_site()));
    let rows = list.words.iter().map(|word| quote!(<#word as #p::#listed<#state>>::spec()));
    let names = list.words.iter().map(|word| quote!(<#word as #p::#listed<#state>>::#name));
    let checks = list.words.iter().enumerate().skip(1).map(|(at, word)| {
        let message = format!("`{}` {}", text(word), kind.clash);
        quote_spanned!(word.span()=> const _: () = #p::assert_new(__NAMES, #at, #message);)
    });
    quote! {
        {
            const __NAMES: &[&str] = &[#(#names),*];
            #(#checks)*
            #p::#build::<#state>(&[#(#rows),*])
        }
    }
}
