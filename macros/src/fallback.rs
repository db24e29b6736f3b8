//! Expands a faulty declaration: its errors, the user's item and a stub, so that one mistake causes
//! one message.

use proc_macro2::TokenStream;
use syn::{DeriveInput, ItemFn};

use crate::{
    channel, expand,
    item::{Declared, without_refused},
    list, operation, payload,
};

pub(crate) fn channel(input: DeriveInput, faulty: &channel::Faulty) -> TokenStream {
    let stub = expand::stub::channel(&input, faulty);
    let mut input = without_refused(input);
    if faulty.derive && input.generics.params.is_empty() {
        expand::item::skip_borrowed(&mut input, &faulty.runtime);
    }
    let item = Declared::request(input, faulty.derive);
    [faulty.errors.clone(), expand::item::item(&item, &faulty.runtime), stub].into_iter().collect()
}

pub(crate) fn data(input: DeriveInput, faulty: &payload::Faulty) -> TokenStream {
    let item = Declared::payload(input, faulty.derive);
    [faulty.errors.clone(), expand::item::item(&item, &faulty.runtime)].into_iter().collect()
}

pub(crate) fn push(input: DeriveInput, faulty: &payload::Faulty) -> TokenStream {
    let stub = expand::stub::push(&input, &faulty.runtime);
    [data(input, faulty), stub].into_iter().collect()
}

pub(crate) fn operation(function: &ItemFn, faulty: &operation::Faulty) -> TokenStream {
    let in_impl = function.sig.receiver().is_some();
    // An `impl` block cannot contain a type declaration.
    let stub = (!in_impl).then(|| expand::stub::operation(&function.vis, &function.sig.ident, &faulty.runtime));
    [faulty.errors.clone()].into_iter().chain(stub).collect()
}

pub(crate) fn list(faulty: &list::Faulty, kind: &expand::list::ListKind) -> TokenStream {
    let rest = faulty.list.as_ref().map_or_else(expand::stub::list, |list| expand::list::list(list, kind));
    expand::stub::with_errors(&faulty.errors, &rest)
}
