//! Expands the stub of a faulty declaration, so that its uses cause no further errors.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Generics, Ident, Path, Visibility, parse_quote};

use super::{P, kind, operation::marker};
use crate::channel::Faulty;

/// Returns the stub of a channel, whose build fails in any case. A union has no derives and gets no
/// stub.
pub(crate) fn channel(input: &DeriveInput, faulty: &Faulty) -> TokenStream {
    if let Data::Union(_) = input.data {
        return TokenStream::new();
    }
    let p = &P;
    let ident = &input.ident;
    let route = ident.to_string();
    let update = faulty.update.as_ref().map_or_else(
        || {
            quote!(
                type Update = ();
            )
        },
        super::update,
    );
    let generics = bounded(&input.generics, p);
    let (params, arguments, bounds) = generics.split_for_impl();
    let with_state = with_state(&generics, p);
    let (listed, _, _) = with_state.split_for_impl();
    let kind = kind::type_of(&faulty.kind);
    let table = kind::stub(input, &faulty.kind, faulty.update.as_ref());
    let served = faulty.served.then(|| quote!(impl #params #p::Served for #ident #arguments #bounds {}));
    super::aliased(
        &faulty.runtime,
        &quote! {
            impl #params #p::Channel for #ident #arguments #bounds {
                #update
                type Kind = #kind;
                const FRAGMENT: &'static #p::Fragment = &#p::Fragment::faulty(#route);
                fn subject(&self) -> #p::Option<#p::SubjectText> { loop {} }
            }
            #table
            #p::server! {
                #served
                impl #params #p::Router for #ident #arguments #bounds {
                    fn subscribe<'__a>(_: #p::Call<'__a>, _: #p::Text<'__a>) -> #p::Handled<'__a> { loop {} }
                    fn unsubscribe(_: #p::Call<'_>, _: #p::Text<'_>) -> #p::Done { loop {} }
                    fn update(_: &#p::RawTopic, _: &Self::Update) -> #p::Published { loop {} }
                }
                impl #listed #p::ListedChannel<__S> for #ident #arguments #bounds {
                    const ROW: #p::ChannelRow = #p::ChannelRow::relayed::<Self>();
                }
            }
        },
    )
}

/// Returns the stub of a push.
pub(crate) fn push(input: &DeriveInput, runtime: &Path) -> TokenStream {
    if let Data::Union(_) = input.data {
        return TokenStream::new();
    }
    let p = &P;
    let ident = &input.ident;
    let generics = bounded(&input.generics, p);
    let (params, arguments, bounds) = generics.split_for_impl();
    let with_state = with_state(&generics, p);
    let (listed, _, _) = with_state.split_for_impl();
    let name = ident.to_string();
    super::aliased(
        runtime,
        &quote! {
            impl #params #p::Push for #ident #arguments #bounds {
                const FRAGMENT: &'static #p::PushFragment = &#p::PushFragment::faulty(#name);
            }
            #p::server! {
                impl #listed #p::ListedOperation<__S> for #ident #arguments #bounds {
                    const ROW: #p::OperationRow = #p::OperationRow::push::<Self>();
                }
            }
        },
    )
}

/// Returns the stub of an operation.
pub(crate) fn operation(vis: &Visibility, ident: &Ident, runtime: &Path) -> TokenStream {
    let p = &P;
    let marker = marker(vis, ident);
    let name = ident.to_string();
    let items = super::aliased(
        runtime,
        &quote! {
            impl #p::Request for #ident {
                type Payload = ();
                type Reply = ();
                const FRAGMENT: &'static #p::OperationFragment = &#p::OperationFragment::faulty(#name);
            }
            #p::server! {
                impl<__S: #p::State> #p::ListedOperation<__S> for #ident {
                    const ROW: #p::OperationRow = #p::OperationRow::request::<Self>(|_, _| loop {});
                }
            }
        },
    );
    quote!(#marker #items)
}

/// Returns an expression of any type, instead of a list that could not be read.
pub(crate) fn list() -> TokenStream {
    quote!(loop {})
}

/// Returns an expression with errors before it.
pub(crate) fn with_errors(errors: &TokenStream, expression: &TokenStream) -> TokenStream {
    quote!({ #errors #expression })
}

/// Adds the bounds of the implemented traits to a generic type, whose parameters have none.
pub(super) fn bounded(generics: &Generics, p: &P) -> Generics {
    let mut generics = generics.clone();
    if !generics.params.is_empty() {
        generics.make_where_clause().predicates.push(parse_quote! {
            Self: #p::serde::Serialize + #p::serde::de::DeserializeOwned + #p::schemars::JsonSchema + #p::State
        });
    }
    generics
}

fn with_state(generics: &Generics, p: &P) -> Generics {
    let mut generics = generics.clone();
    generics.params.push(parse_quote!(__S: #p::State));
    generics
}
