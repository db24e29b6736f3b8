//! Expands `channels!` and `operations!`: the rows, and a check that no name repeats.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned as _};

use super::{private, state};
use crate::{
    list::{List, text},
    place,
};

/// One of the two lists: the runtime's names for it, and its error message.
pub(crate) struct ListKind {
    /// The function that returns a named row.
    row_of: &'static str,
    /// The type of a row.
    row_type: &'static str,
    /// The function that creates the list.
    list: &'static str,
    /// True if an entry may be the name of a function.
    may_be_function: bool,
    /// The error if two entries have the same name.
    clash: &'static str,
}

pub(crate) const CHANNELS: ListKind = ListKind {
    row_of: "channel",
    row_type: "ChannelRow",
    list: "channels",
    may_be_function: false,
    clash: "has the same route as an earlier channel of this list; give each channel its own route",
};

pub(crate) const OPERATIONS: ListKind = ListKind {
    row_of: "operation",
    row_type: "OperationRow",
    list: "operations",
    may_be_function: true,
    clash: "has the same name as an earlier operation or push of this list; give each its own name",
};

pub(crate) fn list(list: &List, kind: &ListKind) -> TokenStream {
    let p = &private(&list.runtime);
    let state = &state(list.state.as_ref());
    let [row_of, row_type, build] =
        [kind.row_of, kind.row_type, kind.list].map(|name| Ident::new(name, Span::call_site()));
    let rows = list.words.iter().map(|word| {
        let p = place::at(word.span(), p.clone());
        if kind.may_be_function && is_plain(word) {
            // For an operation, the import brings its type into scope. A plain function has no type, so
            // the name's type is that of the glob import, and the compiler reports the runtime's error.
            let listed = Ident::new("__Listed", word.span());
            quote_spanned! {word.span()=>
                {
                    #[allow(unused_imports)]
                    use #p::undeclared::*;
                    #[allow(unused_imports)]
                    use #word as #listed;
                    #p::#row_of::<#listed, #state>()
                }
            }
        } else {
            quote_spanned!(word.span()=> #p::#row_of::<#word, #state>())
        }
    });
    let checks = list.words.iter().enumerate().skip(1).map(|(at, word)| {
        let message = format!("`{}` {}", text(word), kind.clash);
        let check = place::at(word.span(), quote!(#p::assert_new(__ROWS, #at, #message)));
        quote!(const _: () = #check;)
    });
    quote! {
        {
            const __ROWS: &[#p::NamedRow<#p::#row_type>] = &[#(#rows),*];
            #(#checks)*
            #p::#build::<#state>(__ROWS)
        }
    }
}

/// Returns true if a `use` can import the path.
fn is_plain(word: &Path) -> bool {
    word.segments.iter().all(|segment| segment.arguments.is_empty())
}
