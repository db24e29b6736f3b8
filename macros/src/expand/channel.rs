//! Expands a channel: its fragment, its handlers and the row that `channels!` lists.

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use super::{P, aliased, docs, function, kind, option, update};
use crate::channel::{Channel, Subject};

pub(crate) fn channel(channel: &Channel) -> TokenStream {
    let p = &P;
    let ident = &channel.ident;
    let update = update(&channel.update);
    let fragment = fragment(channel);
    let subject = match &channel.subject {
        Some(Subject { ident, ty, .. }) => {
            let text = function("subject_text", ty);
            quote!(#text(&self.#ident))
        }
        None => option(None),
    };
    let kind = kind::type_of(&channel.kind);
    let table = kind::table(ident, &channel.kind, &channel.update);
    let server = server(channel);
    aliased(
        &channel.runtime,
        &quote! {
            impl #p::Channel for #ident {
                #update
                type Kind = #kind;
                const FRAGMENT: &'static #p::Fragment = &#fragment;
                fn subject(&self) -> #p::Option<#p::SubjectText> {
                    #subject
                }
            }
            #table
            #p::server! { #server }
        },
    )
}

/// Returns the fragment: the channel's wire names and its documentation.
fn fragment(channel: &Channel) -> TokenStream {
    let p = &P;
    let Channel { ident, route, served, .. } = channel;
    let type_name = syn::ext::IdentExt::unraw(ident).to_string();
    let name = |suffix: &str| LitStr::new(&format!("{}.{suffix}", route.value()), route.span());
    let exchange = |verb: &str| {
        let (request, reply) = (name(verb), name(&format!("{verb}.response")));
        quote!(#p::exchange(#request, #reply))
    };
    let (subscribe, unsubscribe) = (exchange("subscribe"), exchange("unsubscribe"));
    let [snapshot, update, unsubscribed] = ["snapshot", "update", "unsubscribed"].map(name);
    let docs = docs(&channel.docs);
    let fields = channel.fields.iter().map(|field| {
        let (cfgs, name) = (&field.cfgs, &field.name);
        let field = function("field", &field.ty);
        quote!(#(#cfgs)* #field(#name))
    });
    let subject = match &channel.subject {
        Some(Subject { name, ty, .. }) => {
            let schema = function("schema_of", ty);
            quote!(#p::subject_field(#name, #schema))
        }
        None => option(None),
    };
    let kind = kind::fragment(&channel.kind);
    quote! {
        #p::Fragment {
            route: #route,
            type_name: #type_name,
            subscribe: #subscribe,
            unsubscribe: #unsubscribe,
            snapshot: #snapshot,
            update: #update,
            unsubscribed: #unsubscribed,
            docs: #docs,
            fields: &[#(#fields),*],
            subject: #subject,
            kind: #kind,
            served: #served,
            request: #p::schema_of::<Self>,
            payload: #p::schema_of::<Self::Update>,
        }
    }
}

/// Returns the items that only a server needs: the handlers and the row.
fn server(channel: &Channel) -> TokenStream {
    let p = &P;
    let ident = &channel.ident;
    let listed = if channel.served {
        quote! {
            impl #p::Served for #ident {}
            impl<__S: #p::State + #p::Serves<Self>> #p::ListedChannel<__S> for #ident {
                const ROW: #p::ChannelRow = <__S as #p::Serves<Self>>::ROW;
            }
        }
    } else {
        quote! {
            impl<__S: #p::State> #p::ListedChannel<__S> for #ident {
                const ROW: #p::ChannelRow = #p::ChannelRow::relayed::<Self>();
            }
        }
    };
    let publish = kind::publish(&channel.kind);
    quote! {
        impl #p::Router for #ident {
            fn subscribe<'a>(call: #p::Call<'a>, text: #p::Text<'a>) -> #p::Handled<'a> {
                #p::subscribe(call, <Self as #p::Channel>::FRAGMENT, #p::decode::<Self>(text)?)
            }
            fn unsubscribe(call: #p::Call<'_>, text: #p::Text<'_>) -> #p::Done {
                #p::unsubscribe(call, <Self as #p::Channel>::FRAGMENT, #p::decode::<Self>(text)?)
            }
            fn update(topic: &#p::RawTopic, update: &Self::Update) -> #p::Published {
                #p::#publish(topic, update)
            }
        }
        #listed
    }
}
