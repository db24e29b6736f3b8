//! Finds the declarations in a source text by their wire names, and expands them.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Attribute, Item, Lit, Meta};

use crate::{entry, pretty};

/// Expands an attribute, given its arguments and its item.
type Expand = fn(TokenStream, TokenStream) -> TokenStream;

const ATTRIBUTES: [(&str, Expand); 3] =
    [("ws_router", entry::channel), ("ws_operation", entry::operation), ("ws_push", entry::push)];

/// Declarations by their route or name.
#[derive(Default)]
pub(crate) struct Declarations(BTreeMap<String, Declaration>);

struct Declaration {
    expand: Expand,
    arguments: TokenStream,
    item: TokenStream,
}

impl Declarations {
    /// Adds the declarations of a source file.
    pub(crate) fn read(&mut self, source: &str) -> syn::Result<()> {
        self.collect(syn::parse_file(source)?.items);
        Ok(())
    }

    /// Returns the formatted expansion of the declaration with this name.
    pub(crate) fn expansion(&self, name: &str) -> Result<String, String> {
        let Some(declaration) = self.0.get(name) else {
            let known = self.0.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(format!("no declaration is called `{name}`; there are {known}"));
        };
        Ok(pretty::items(&(declaration.expand)(declaration.arguments.clone(), declaration.item.clone())))
    }

    fn collect(&mut self, items: Vec<Item>) {
        for mut item in items {
            if let Item::Mod(module) = item {
                self.collect(module.content.map_or_else(Vec::new, |(_, items)| items));
                continue;
            }
            let Some(attrs) = attrs(&mut item) else { continue };
            let known = attrs.iter().enumerate().find_map(|(at, attr)| Some((at, attribute(attr)?)));
            let Some((at, expand)) = known else { continue };
            let Meta::List(list) = attrs.remove(at).meta else { continue };
            let Some(name) = name_of(&list.tokens) else { continue };
            self.0.insert(name, Declaration { expand, arguments: list.tokens, item: item.into_token_stream() });
        }
    }
}

fn attrs(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    match item {
        Item::Struct(item) => Some(&mut item.attrs),
        Item::Enum(item) => Some(&mut item.attrs),
        Item::Fn(item) => Some(&mut item.attrs),
        _ => None,
    }
}

fn attribute(attr: &Attribute) -> Option<Expand> {
    let name = &attr.path().segments.last()?.ident;
    ATTRIBUTES.into_iter().find(|(known, _)| name == known).map(|(_, expand)| expand)
}

/// Returns the string after `route =`, or the first argument.
fn name_of(arguments: &TokenStream) -> Option<String> {
    let tokens: Vec<_> = arguments.clone().into_iter().collect();
    let route = tokens.iter().position(|token| token.to_string() == "route");
    let literal = tokens.get(route.map_or(0, |at| at + 2))?;
    match syn::parse2(literal.to_token_stream()).ok()? {
        Lit::Str(name) => Some(name.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
        #[topicast::data]
        pub struct Bar { close: f64 }

        mod market {
            /// Bars.
            #[topicast::ws_router(update = Bar, route = "bars")]
            #[derive(Debug)]
            pub struct Bars { symbol: String }
        }

        #[ws_push("notice")]
        struct Notice { text: String }

        #[ws_operation("touch")]
        async fn touch(cx: &Cx<'_>) -> Result<(), Refusal> { Ok(()) }
    "#;

    #[test]
    fn a_declaration_is_expanded_by_its_name() {
        let mut found = Declarations::default();
        found.read(SOURCE).unwrap();
        let bars = found.expansion("bars").unwrap();
        for part in ["pub struct Bars {", "subscribe: __p::exchange(\"bars.subscribe\"", "fn unsubscribe("] {
            assert!(bars.contains(part), "{part} is not in\n{bars}");
        }
        assert!(found.expansion("notice").unwrap().contains("PushFragment"));
        assert!(found.expansion("touch").unwrap().contains("async fn touch("));
    }

    #[test]
    fn an_unknown_name_is_answered_with_all_there_are() {
        let mut found = Declarations::default();
        found.read(SOURCE).unwrap();
        let error = found.expansion("bar").unwrap_err();
        assert_eq!(error, "no declaration is called `bar`; there are `bars`, `notice`, `touch`");
    }
}
