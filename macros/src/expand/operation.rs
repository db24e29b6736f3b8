//! Expands an operation: its type, its fragment and the row that `operations!` lists.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, ItemFn};

use super::{P, aliased, docs, function, option, private, sent, state};
use crate::{operation::Operation, place};

/// Returns the function, for servers only: a client's build has no `Cx`.
pub(crate) fn item(item: &ItemFn, operation: &Operation) -> TokenStream {
    let p = private(&operation.runtime);
    quote!(#p::server! { #item })
}

pub(crate) fn operation(operation: &Operation) -> TokenStream {
    let p = &P;
    let Operation { vis, ident, name, .. } = operation;
    let docs = docs(&operation.docs);
    let state = state(operation.state.as_ref());
    let payload = operation.payload.as_ref().map_or_else(|| quote!(()), |ty| quote!(#ty));
    let reply = operation.reply.as_ref().map_or_else(|| quote!(()), |(_, ty)| sent(ty));
    let reply_name = option(operation.reply.as_ref().map(|(name, _)| quote!(#name)));
    let received = option(operation.payload.as_ref().map(|ty| function("received", ty)));
    let replied = option(operation.reply.as_ref().map(|_| quote!(#p::schema_of::<Self::Reply>)));
    let call = call(operation);
    let marker = marker(vis, ident);
    let items = aliased(
        &operation.runtime,
        &quote! {
            impl #p::Request for #ident {
                type Payload = #payload;
                type Reply = #reply;
                const FRAGMENT: &'static #p::OperationFragment = &#p::OperationFragment {
                    name: #name,
                    reply: #reply_name,
                    docs: #docs,
                    payload: #received,
                    reply_payload: #replied,
                };
            }
            #p::server! {
                impl #p::ListedOperation<#state> for #ident {
                    const ROW: #p::OperationRow = #p::OperationRow::request::<Self>(#call);
                }
            }
        },
    );
    quote! { #marker #items }
}

/// Returns a type with the function's name, which represents the function where a type is needed.
///
/// A braced struct declares no value, so the name still denotes the function in expressions.
pub(super) fn marker(vis: &syn::Visibility, ident: &Ident) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(
            non_camel_case_types, unreachable_pub, missing_debug_implementations, missing_copy_implementations,
            clippy::exhaustive_structs
        )]
        #vis struct #ident {}
    }
}

/// Returns the closure that decodes the payload, calls the function and erases its types.
fn call(operation: &Operation) -> TokenStream {
    let p = &P;
    let ident = &operation.ident;
    let state = state(operation.state.as_ref());
    // The function may have any name, including these.
    let [cx, text, payload] = ["cx", "text", "payload"].map(|name| Ident::new(name, Span::mixed_site()));
    let (parameter, decode, argument) = match &operation.payload {
        Some(ty) => {
            let decode = function("payload", ty);
            (quote!(#text), quote!(let #payload = #decode(#text)?;), quote!(, #payload))
        }
        None => (quote!(_), quote!(), quote!()),
    };
    let erase = match &operation.reply {
        Some((_, ty)) => {
            let ty = sent(ty);
            quote!(#p::replying::<#ty>)
        }
        None => quote!(#p::silent),
    };
    let future = quote!(async move { #ident(&#cx.typed::<#state>() #argument).await });
    // The compiler reports faults of the future at the function.
    let answer = place::at(ident.span(), quote!(#erase(#future)));
    quote! {
        |#cx, #parameter| {
            #decode
            #p::Ok(#answer)
        }
    }
}
