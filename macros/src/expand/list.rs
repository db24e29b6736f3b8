//! `channels!` and `operations!`: a check that no name repeats, and the rows.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned as _};

use super::{private, state};
use crate::{
    list::{List, text},
    place,
};

/// Which of the two lists it is, in the runtime's words.
pub(crate) struct Kind {
    row: &'static str,
    spec: &'static str,
    list: &'static str,
    /// Whether a word may be the name of a function.
    may_be_function: bool,
    /// What is wrong when two entries have one name.
    clash: &'static str,
}

pub(crate) const CHANNELS: Kind = Kind {
    row: "channel",
    spec: "ChannelSpec",
    list: "channels",
    may_be_function: false,
    clash: "has the route of a channel before it in this list; each channel has a route of its own",
};

pub(crate) const OPERATIONS: Kind = Kind {
    row: "operation",
    spec: "OperationSpec",
    list: "operations",
    may_be_function: true,
    clash: "has the name of an operation or push before it in this list; each has a name of its own",
};

pub(crate) fn list(list: &List, kind: &Kind) -> TokenStream {
    let p = &private(&list.runtime);
    let state = &state(list.state.as_ref());
    let [row, spec, build] = [kind.row, kind.spec, kind.list].map(|name| Ident::new(name, Span::call_site()));
    let rows = list.words.iter().map(|word| {
        let p = place::at(word.span(), p.clone());
        if kind.may_be_function && is_plain(word) {
            // The import has the word's type or, of a plain function, which has none, only its
            // value; then the name's type is that of the glob import, and the error is ours.
            let listed = Ident::new("__Listed", word.span());
            quote_spanned! {word.span()=>
                {
                    #[allow(unused_imports)]
                    use #p::undeclared::*;
                    #[allow(unused_imports)]
                    use #word as #listed;
                    #p::#row::<#listed, #state>()
                }
            }
        } else {
            quote_spanned!(word.span()=> #p::#row::<#word, #state>())
        }
    });
    let checks = list.words.iter().enumerate().skip(1).map(|(at, word)| {
        let message = format!("`{}` {}", text(word), kind.clash);
        let check = place::at(word.span(), quote!(#p::assert_new(__ROWS, #at, #message)));
        quote!(const _: () = #check;)
    });
    quote! {
        {
            const __ROWS: &[#p::Row<#p::#spec>] = &[#(#rows),*];
            #(#checks)*
            #p::#build::<#state>(__ROWS)
        }
    }
}

/// Whether the path can be imported.
fn is_plain(word: &Path) -> bool {
    word.segments.iter().all(|segment| segment.arguments.is_empty())
}
