//! Expands the fields of a struct that can be the row of a table.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, ext::IdentExt as _};

use super::P;
use crate::row::Row;

pub(super) fn row(ident: &Ident, row: &Row) -> TokenStream {
    let p = &P;
    let (params, arguments, bounds) = row.generics.split_for_impl();
    let listed = row.fields.iter().enumerate().map(|(at, field)| {
        let (cfgs, name) = (&field.cfgs, field.ident.unraw().to_string());
        match &field.wire {
            Ok(wire) => quote!(#(#cfgs)* #p::row_field(#name, #wire, #at)),
            Err(reason) => quote!(#(#cfgs)* #p::unfit_field(#name, #reason)),
        }
    });
    let fields = row.fields.iter().enumerate().filter(|(_, field)| field.wire.is_ok()).map(|(at, field)| {
        let (cfgs, name, ty) = (&field.cfgs, &field.ident, &field.ty);
        quote! {
            #(#cfgs)*
            #[allow(deprecated)]
            impl #params #p::FieldOf<#at> for #ident #arguments #bounds {
                type Type = #ty;
                fn get(&self) -> &#ty { &self.#name }
            }
        }
    });
    quote! {
        impl #params #p::Row for #ident #arguments #bounds {
            const FIELDS: &'static [#p::RowField] = &[#(#listed),*];
        }
        #(#fields)*
    }
}
