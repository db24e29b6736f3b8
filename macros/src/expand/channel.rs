//! The implementation of `Channel` and the row that `channels!` lists.

use proc_macro2::TokenStream;
use quote::quote;

use super::{docs, function, option, private, update};
use crate::channel::{Channel, Subject};

pub(crate) fn channel(channel: &Channel) -> TokenStream {
    let p = &private(&channel.runtime);
    let Channel { ident, route, served, .. } = channel;
    let update = update(p, &channel.update);
    let type_name = syn::ext::IdentExt::unraw(ident).to_string();
    let docs = docs(p, &channel.docs);
    let fields = channel.fields.iter().map(|field| {
        let (cfgs, name) = (&field.cfgs, &field.name);
        let field = function(p, "field", &field.ty);
        quote!(#(#cfgs)* #field(#name))
    });
    let subject_field = option(
        p,
        channel.subject.as_ref().map(|Subject { name, ty, .. }| {
            let schema = function(p, "schema_of", ty);
            quote!((#name, #schema))
        }),
    );
    let subject = match &channel.subject {
        Some(Subject { ident, ty, .. }) => {
            let text = function(p, "subject_text", ty);
            quote!(#text(&self.#ident))
        }
        None => option(p, None),
    };
    let listed = listed(channel);
    quote! {
        impl #p::Channel for #ident {
            #update
            const ROUTE: &'static str = #route;
            fn declaration() -> #p::ChannelDeclaration {
                const __FIELDS: &[&str] = &[#(#fields),*];
                #p::ChannelDeclaration::of::<Self>(#type_name, #docs, __FIELDS, #served)
            }
            fn subject_field() -> #p::Option<(&'static str, #p::SchemaOf)> {
                #subject_field
            }
            fn subject(&self) -> #p::Option<#p::SubjectText> {
                #subject
            }
        }
        #p::server! { #listed }
    }
}

/// What only a server needs.
fn listed(channel: &Channel) -> TokenStream {
    let p = &private(&channel.runtime);
    let ident = &channel.ident;
    if channel.served {
        quote! {
            impl<__S: #p::State + #p::Serves<Self>> #p::ListedChannel<__S> for #ident {
                const ROUTE: &'static str = <Self as #p::Channel>::ROUTE;
                fn spec() -> #p::ChannelSpec {
                    <__S as #p::Serves<Self>>::spec()
                }
            }
        }
    } else {
        quote! {
            impl<__S: #p::State> #p::Serve<__S> for #ident {}
            impl<__S: #p::State> #p::ListedChannel<__S> for #ident {
                const ROUTE: &'static str = <Self as #p::Channel>::ROUTE;
                fn spec() -> #p::ChannelSpec {
                    #p::ChannelSpec::relayed::<Self>()
                }
            }
        }
    }
}
