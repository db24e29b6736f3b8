//! What stands in for a faulty declaration, so that its uses are not errors too.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Generics, Ident, Path, Type, Visibility, parse_quote};

use super::{operation::marker, private};

/// A channel that is never served: the build fails in any case. A union, which has no
/// derives, cannot be one.
pub(crate) fn channel(input: &DeriveInput, runtime: &Path, update: Option<&Type>, served: bool) -> TokenStream {
    if let Data::Union(_) = input.data {
        return TokenStream::new();
    }
    let p = &private(runtime);
    let ident = &input.ident;
    let route = ident.to_string();
    let update = update.map_or_else(
        || {
            quote!(
                type Update = ();
            )
        },
        |ty| super::update(p, ty),
    );
    let generics = bounded(&input.generics, p);
    let (params, arguments, bounds) = generics.split_for_impl();
    let listed = with_state(&generics, p);
    let (listed, _, _) = listed.split_for_impl();
    let serve = (!served).then(|| quote!(impl #listed #p::Serve<__S> for #ident #arguments #bounds {}));
    quote! {
        impl #params #p::Channel for #ident #arguments #bounds {
            #update
            const ROUTE: &'static str = #route;
            fn declaration() -> #p::ChannelDeclaration { loop {} }
            fn subject_field() -> #p::Option<(&'static str, #p::SchemaOf)> { loop {} }
            fn subject(&self) -> #p::Option<#p::SubjectText> { loop {} }
        }
        #p::server! {
            #serve
            impl #listed #p::ListedChannel<__S> for #ident #arguments #bounds {
                const ROUTE: &'static str = #route;
                fn spec() -> #p::ChannelSpec { loop {} }
            }
        }
    }
}

/// A push that is never sent.
pub(crate) fn push(input: &DeriveInput, runtime: &Path) -> TokenStream {
    if let Data::Union(_) = input.data {
        return TokenStream::new();
    }
    let p = &private(runtime);
    let ident = &input.ident;
    let generics = bounded(&input.generics, p);
    let (params, arguments, bounds) = generics.split_for_impl();
    let listed = listed_operation(ident, &generics, p);
    let name = ident.to_string();
    quote! {
        impl #params #p::Push for #ident #arguments #bounds {
            const NAME: &'static str = #name;
            fn declaration() -> #p::PushDeclaration { loop {} }
        }
        #listed
    }
}

/// An operation that is never called.
pub(crate) fn operation(vis: &Visibility, ident: &Ident, runtime: &Path) -> TokenStream {
    let marker = marker(vis, ident);
    let listed = listed_operation(ident, &Generics::default(), &private(runtime));
    quote!(#marker #listed)
}

/// An expression of any type, in the place of a list that could not be read.
pub(crate) fn list() -> TokenStream {
    quote!(loop {})
}

/// An expression with complaints in front of it.
pub(crate) fn complaining(errors: &TokenStream, expression: &TokenStream) -> TokenStream {
    quote!({ #errors #expression })
}

fn listed_operation(ident: &Ident, generics: &Generics, p: &TokenStream) -> TokenStream {
    let (_, arguments, bounds) = generics.split_for_impl();
    let listed = with_state(generics, p);
    let (listed, _, _) = listed.split_for_impl();
    let name = ident.to_string();
    quote! {
        #p::server! {
            impl #listed #p::ListedOperation<__S> for #ident #arguments #bounds {
                const NAME: &'static str = #name;
                fn spec() -> #p::OperationSpec { loop {} }
            }
        }
    }
}

/// For a generic type, whose parameters have no bounds, what the traits above it ask for.
fn bounded(generics: &Generics, p: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    if !generics.params.is_empty() {
        generics.make_where_clause().predicates.push(parse_quote! {
            Self: #p::serde::Serialize + #p::serde::de::DeserializeOwned + #p::schemars::JsonSchema + #p::State
        });
    }
    generics
}

fn with_state(generics: &Generics, p: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    generics.params.push(parse_quote!(__S: #p::State));
    generics
}
