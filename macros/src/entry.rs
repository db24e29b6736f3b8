//! The entry points of the macros: read, check and expand, or fall back.

use proc_macro2::{Span, TokenStream};
use syn::{DeriveInput, ItemFn};

use crate::{channel, expand, fallback, item, list, operation, payload};

pub(crate) fn channel(arguments: TokenStream, item: TokenStream) -> TokenStream {
    with_type(item, "a channel is a struct with named fields", |input| match channel::check(arguments, &input) {
        Ok((item, channel)) => {
            [expand::item::item(&item, &channel.runtime), expand::channel::channel(&channel)].into_iter().collect()
        }
        Err(faulty) => fallback::channel(input, &faulty),
    })
}

pub(crate) fn push(arguments: TokenStream, item: TokenStream) -> TokenStream {
    with_type(item, "a push is a struct or an enum", |input| match payload::check_push(arguments, &input) {
        Ok((item, push)) => {
            let parts = expand::payload::parts(&payload::parts(&item), &push.runtime);
            [parts, expand::item::item(&item, &push.runtime), expand::payload::push(&push)].into_iter().collect()
        }
        Err(faulty) => fallback::push(input, &faulty),
    })
}

pub(crate) fn data(arguments: TokenStream, item: TokenStream) -> TokenStream {
    with_type(item, "data is a struct or an enum", |input| match payload::check_data(arguments, &input) {
        Ok((item, data)) => {
            let parts = expand::payload::parts(&payload::parts(&item), &data.runtime);
            [parts, expand::item::item(&item, &data.runtime), expand::payload::data(&data)].into_iter().collect()
        }
        Err(faulty) => fallback::data(input, &faulty),
    })
}

pub(crate) fn operation(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => match operation::check(arguments, &function) {
            Ok(operation) => {
                let expanded =
                    [expand::operation::item(&function, &operation), expand::operation::operation(&operation)];
                expanded.into_iter().collect()
            }
            Err(faulty) => [item, fallback::operation(&function, &faulty)].into_iter().collect(),
        },
        Err(_) => {
            let (kind, span) = match item::read(&item) {
                Ok(input) => item::describe(&input),
                Err(other) => other,
            };
            [item, misplaced(kind, span, "an operation is a function")].into_iter().collect()
        }
    }
}

pub(crate) fn list(words: TokenStream, example: &str, kind: &expand::list::ListKind) -> TokenStream {
    match list::check(words, example) {
        Ok(list) => expand::list::list(&list, kind),
        Err(faulty) => fallback::list(&faulty, kind),
    }
}

/// Expands a struct, enum or union. Returns any other item unchanged, with an error.
fn with_type(item: TokenStream, wanted: &str, expand: impl FnOnce(DeriveInput) -> TokenStream) -> TokenStream {
    match item::read(&item) {
        Ok(input) => expand(input),
        Err((kind, span)) => [misplaced(kind, span, wanted), item].into_iter().collect(),
    }
}

fn misplaced(kind: &str, span: Span, wanted: &str) -> TokenStream {
    syn::Error::new(span, format!("this is {kind}; {wanted}")).into_compile_error()
}
