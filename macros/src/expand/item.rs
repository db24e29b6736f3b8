//! Expands the user's item with the derives that it lacks.

use proc_macro2::{Group, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::{Attribute, Data, DeriveInput, Expr, Fields, LitStr, Path, Token, ext::IdentExt as _, parse_quote, token};

use super::private;
use crate::{
    item::{Declared, Schema},
    tokens,
};

const MIRROR: &str = "__TopicastMirror";

pub(crate) fn item(item: &Declared, runtime: &Path) -> TokenStream {
    let p = &private(runtime);
    let plain = item.plain();
    let derives = if item.derives.as_object { TokenStream::new() } else { serde_derives(item, p) };
    let schema = (item.derives.schema == Schema::Direct).then(|| {
        let named = (!item.has_schemars_crate()).then(|| schemars_crate(p));
        quote!(#[derive(#p::schemars::JsonSchema)] #named)
    });
    let mirror = (item.derives.schema == Schema::Mirror).then(|| mirror(item, p));
    quote! {
        #derives
        #schema
        #plain
        #mirror
    }
}

fn serde_derives(item: &Declared, p: &TokenStream) -> TokenStream {
    let serialize = item.derives.serialize.then(|| quote!(#[derive(#p::serde::Serialize)]));
    let deserialize = item.derives.deserialize.then(|| quote!(#[derive(#p::serde::Deserialize)]));
    let named = item.derives.serde_crate.then(|| {
        let path = text(&quote!(#p::serde));
        quote!(#[serde(crate = #path)])
    });
    quote!(#serialize #deserialize #named)
}

fn schemars_crate(p: &TokenStream) -> TokenStream {
    let path = text(&quote!(#p::schemars));
    quote!(#[schemars(crate = #path)])
}

/// Excludes borrowed fields from serde's derive, because their errors are already reported.
pub(crate) fn skip_borrowed(input: &mut DeriveInput, runtime: &Path) {
    let Data::Struct(data) = &mut input.data else { return };
    for field in data.fields.iter_mut().filter(|field| tokens::borrows(&field.ty).is_some()) {
        let ty = &field.ty;
        let never = quote!(#runtime::__private::never::<#ty>).to_string();
        field.attrs.push(parse_quote!(#[serde(skip_deserializing, default = #never)]));
    }
}

/// Returns a path as a string literal, which attributes require.
fn text(path: &TokenStream) -> LitStr {
    LitStr::new(&path.to_string().replace(' ', ""), proc_macro2::Span::call_site())
}

/// Returns a private copy of the item with schemars' derive, and an implementation for the item
/// that delegates to the copy.
///
/// The derive uses names of the standard prelude without a path, so the copy is in a scope that
/// imports them. Under `#![no_implicit_prelude]` the derive would not compile on the item itself.
fn mirror(item: &Declared, p: &TokenStream) -> TokenStream {
    let ident = &item.input.ident;
    let mut mirror = item.mirror(MIRROR);
    list_aliases(&mut mirror);
    let mirror_ident = &mirror.ident;
    let name = ident.unraw().to_string();
    let renamed = (!item.is_renamed()).then(|| quote!(#[schemars(rename = #name)]));
    let named = schemars_crate(p);
    let derives = item.derives.as_object.then(|| serde_derives(item, p));
    let object = item.derives.as_object.then(|| object(item, p));
    let default = item.has_container_default().then(|| default(ident, &mirror, p));
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use #p::prelude::*;
            #derives
            #[derive(#p::schemars::JsonSchema)]
            #named
            #renamed
            #[allow(dead_code, deprecated, non_camel_case_types)]
            #mirror
            #default
            #object
            #[automatically_derived]
            impl #p::schemars::JsonSchema for #ident {
                fn schema_name() -> #p::SchemaName {
                    <#mirror_ident as #p::schemars::JsonSchema>::schema_name()
                }
                fn schema_id() -> #p::SchemaName {
                    <#mirror_ident as #p::schemars::JsonSchema>::schema_id()
                }
                fn inline_schema() -> bool {
                    <#mirror_ident as #p::schemars::JsonSchema>::inline_schema()
                }
                fn json_schema(generator: &mut #p::schemars::SchemaGenerator) -> #p::schemars::Schema {
                    <#mirror_ident as #p::schemars::JsonSchema>::json_schema(generator)
                }
            }
        };
    }
}

/// Adds the aliases of fields to the schema, because schemars ignores them and the documents need
/// them.
fn list_aliases(mirror: &mut DeriveInput) {
    let Data::Struct(data) = &mut mirror.data else { return };
    for field in &mut data.fields {
        let aliases: Vec<LitStr> = field.attrs.iter().flat_map(aliases).collect();
        if !aliases.is_empty() {
            field.attrs.push(parse_quote!(#[schemars(extend("x-aliases" = [#(#aliases),*]))]));
        }
    }
}

fn aliases(attribute: &Attribute) -> Vec<LitStr> {
    let mut aliases = Vec::new();
    if attribute.path().is_ident("serde") {
        // serde itself reports what cannot be parsed here.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("alias") {
                aliases.push(meta.value()?.parse()?);
            } else if meta.input.peek(Token![=]) {
                meta.value()?.parse::<Expr>()?;
            } else if meta.input.peek(token::Paren) {
                meta.input.parse::<Group>()?;
            }
            Ok(())
        });
    }
    aliases
}

/// Returns the mirror's `Default`, which delegates to the item's: schemars reads the defaults of
/// fields from it.
fn default(ident: &syn::Ident, mirror: &DeriveInput, p: &TokenStream) -> TokenStream {
    let Data::Struct(data) = &mirror.data else { return TokenStream::new() };
    let bound: Vec<_> = (0..data.fields.len()).map(|at| format_ident!("__field{at}")).collect();
    let members: Vec<_> = data.fields.members().map(|member| member.to_token_stream()).collect();
    let cfgs: Vec<Vec<_>> = data
        .fields
        .iter()
        .map(|field| field.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect())
        .collect();
    let pattern = match &data.fields {
        Fields::Unit => quote!(),
        Fields::Named(_) | Fields::Unnamed(_) => quote!({ #(#(#cfgs)* #members: #bound),* }),
    };
    let mirror = &mirror.ident;
    quote! {
        impl #p::Default for #mirror {
            fn default() -> Self {
                let #ident #pattern = <#ident as #p::Default>::default();
                #mirror #pattern
            }
        }
    }
}

/// Returns serde's implementations for a unit struct that is `{}` on the wire. They use the mirror.
fn object(item: &Declared, p: &TokenStream) -> TokenStream {
    let ident = &item.input.ident;
    let mirror = format_ident!("{MIRROR}");
    quote! {
        impl #p::serde::Serialize for #ident {
            fn serialize<__S: #p::serde::Serializer>(&self, to: __S) -> #p::Result<__S::Ok, __S::Error> {
                <#mirror as #p::serde::Serialize>::serialize(&#mirror {}, to)
            }
        }
        impl<'de> #p::serde::Deserialize<'de> for #ident {
            fn deserialize<__D: #p::serde::Deserializer<'de>>(from: __D) -> #p::Result<Self, __D::Error> {
                <#mirror as #p::serde::Deserialize<'de>>::deserialize(from).map(|#mirror {}| #ident)
            }
        }
    }
}
