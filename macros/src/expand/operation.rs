//! The type beside an operation's function, and the row that `operations!` lists.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::Ident;

use super::{docs, function, option, private, sent, state};
use crate::{operation::Operation, place};

pub(crate) fn operation(operation: &Operation) -> TokenStream {
    let p = &private(&operation.runtime);
    let Operation { vis, ident, name, .. } = operation;
    let docs = docs(p, &operation.docs);
    let state = state(operation.state.as_ref());
    let payload = option(
        p,
        operation.payload.as_ref().map(|ty| {
            let received = function(p, "received", ty);
            quote!(#received())
        }),
    );
    let reply = option(
        p,
        operation.reply.as_ref().map(|(name, ty)| {
            let ty = sent(p, ty);
            quote!((#name, #p::schema_of::<#ty>))
        }),
    );
    let call = call(operation);
    let marker = marker(vis, ident);
    quote! {
        #marker
        #p::server! {
            impl #p::ListedOperation<#state> for #ident {
                const NAME: &'static str = #name;
                fn spec() -> #p::OperationSpec {
                    #p::OperationSpec::request(#name, #docs, #payload, #reply, #call)
                }
            }
        }
    }
}

/// A type with the function's name: it stands for the function where a type is needed.
///
/// A braced struct is no value, so the name still means the function where a value is.
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

/// The closure that decodes, calls and forgets the types.
fn call(operation: &Operation) -> TokenStream {
    let p = &private(&operation.runtime);
    let ident = &operation.ident;
    let state = state(operation.state.as_ref());
    // The function may have any name, these too.
    let [cx, text, payload] = ["cx", "text", "payload"].map(|name| Ident::new(name, Span::mixed_site()));
    let (parameter, decode, argument) = match &operation.payload {
        Some(ty) => {
            let decode = function(p, "payload", ty);
            (quote!(#text), quote!(let #payload = #decode(#text)?;), quote!(, #payload))
        }
        None => (quote!(_), quote!(), quote!()),
    };
    let forget = match &operation.reply {
        Some((_, ty)) => {
            let ty = sent(p, ty);
            quote!(#p::replying::<#ty>)
        }
        None => quote!(#p::silent),
    };
    let future = quote!(async move { #ident(&#cx.typed::<#state>() #argument).await });
    // Whatever is wrong with the future is wrong with the function.
    let answer = place::at(ident.span(), quote!(#forget(#future)));
    quote! {
        |#cx, #parameter| {
            #decode
            #p::Ok(#answer)
        }
    }
}
