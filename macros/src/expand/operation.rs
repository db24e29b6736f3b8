//! The type beside an operation's function, and the row that `operations!` lists.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{docs, option, private, state};
use crate::operation::Operation;

pub(crate) fn operation(operation: &Operation) -> TokenStream {
    let p = &private(&operation.runtime);
    let Operation { vis, ident, name, .. } = operation;
    let docs = docs(p, &operation.docs);
    let state = state(operation.state.as_ref());
    let payload = option(p, operation.payload.as_ref().map(|ty| quote!(#p::received::<#ty>())));
    let reply = option(p, operation.reply.as_ref().map(|(name, ty)| quote!((#name, #p::sent::<#ty>()))));
    let call = call(operation);
    let marker = marker(vis, ident);
    quote! {
        #marker
        #p::server! {
            impl #p::ListedOperation<#state> for #ident {
                const NAME: &'static str = #name;
                fn spec() -> #p::OperationSpec {
                    let docs = #docs;
                    #p::OperationSpec::request(#name, docs, #payload, #reply, #call)
                }
            }
        }
    }
}

/// A type with the function's name: it stands for the function where a type is needed.
///
/// A braced struct is no value, so the name still means the function where a value is.
pub(super) fn marker(vis: &syn::Visibility, ident: &syn::Ident) -> TokenStream {
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
    let decode = operation.payload.as_ref().map(|ty| quote!(let payload = #p::payload::<#ty>(text)?;));
    let payload = operation.payload.as_ref().map(|_| quote!(, payload));
    let text = if operation.payload.is_some() { quote!(text) } else { quote!(_) };
    let forget = match &operation.reply {
        // Whatever is wrong with the future is wrong with the function.
        Some((_, ty)) => quote_spanned!(ident.span()=> #p::replying::<#ty>),
        None => quote_spanned!(ident.span()=> #p::silent),
    };
    quote! {
        |cx, #text| {
            #decode
            let future = async move { #ident(&cx.typed::<#state>() #payload).await };
            #p::Ok(#forget(future))
        }
    }
}
