//! Expands `#[data]` and `#[ws_push]`.

use proc_macro2::TokenStream;
use quote::quote;

use super::{P, aliased, docs, function, row};
use crate::payload::{Part, Payload, Push};

pub(crate) fn data(payload: &Payload) -> TokenStream {
    let p = &P;
    let Payload { ident, is_unit_enum, row, .. } = payload;
    let unit_enum = is_unit_enum.then(|| quote!(impl #p::Subject for #ident {} impl #p::UnitEnum for #ident {}));
    let row = row.as_ref().map(|row| row::row(ident, row));
    if unit_enum.is_none() && row.is_none() {
        return TokenStream::new();
    }
    aliased(&payload.runtime, &quote!(#unit_enum #row))
}

/// Checks the type of each part of an item, so that the compiler reports the runtime's error before
/// those of the derives.
pub(crate) fn parts(parts: &[Part], runtime: &syn::Path) -> TokenStream {
    if parts.is_empty() {
        return TokenStream::new();
    }
    let checks = parts.iter().map(|part| {
        let cfgs = &part.cfgs;
        let carried = function("carried", &part.ty);
        quote!(#(#cfgs)* #carried();)
    });
    aliased(runtime, &quote!(#(#checks)*))
}

pub(crate) fn push(push: &Push) -> TokenStream {
    let p = &P;
    let Push { ident, name, .. } = push;
    let type_name = syn::ext::IdentExt::unraw(ident).to_string();
    let docs = docs(&push.docs);
    aliased(
        &push.runtime,
        &quote! {
            impl #p::Push for #ident {
                const FRAGMENT: &'static #p::PushFragment = &#p::PushFragment {
                    name: #name,
                    type_name: #type_name,
                    docs: #docs,
                    payload: #p::schema_of::<Self>,
                };
            }
            #p::server! {
                impl<__S> #p::ListedOperation<__S> for #ident {
                    const ROW: #p::OperationRow = #p::OperationRow::push::<Self>();
                }
            }
        },
    )
}
