//! The implementations of `Subject` and `Push`.

use proc_macro2::TokenStream;
use quote::quote;

use super::{docs, private};
use crate::payload::{Payload, Push};

pub(crate) fn data(payload: &Payload) -> TokenStream {
    if !payload.is_unit_enum {
        return TokenStream::new();
    }
    let p = private(&payload.runtime);
    let ident = &payload.ident;
    quote!(impl #p::Subject for #ident {})
}

pub(crate) fn push(push: &Push) -> TokenStream {
    let p = &private(&push.runtime);
    let Push { ident, name, .. } = push;
    let type_name = syn::ext::IdentExt::unraw(ident).to_string();
    let docs = docs(p, &push.docs);
    quote! {
        impl #p::Push for #ident {
            const NAME: &'static str = #name;
            fn declaration() -> #p::PushDeclaration {
                #p::PushDeclaration::of::<Self>(#type_name, #docs)
            }
        }
        #p::server! {
            impl<__S> #p::ListedOperation<__S> for #ident {
                const NAME: &'static str = #name;
                fn spec() -> #p::OperationSpec {
                    #p::OperationSpec::push::<Self>()
                }
            }
        }
    }
}
