//! Searches for tokens in a type, at any depth.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::Type;

/// Returns true if the type contains `Self`.
pub(crate) fn has_self(ty: &Type) -> bool {
    find(ty.to_token_stream(), &|token, _| matches!(token, TokenTree::Ident(word) if word == "Self")).is_some()
}

/// Returns the span at which the type borrows: a reference, or a lifetime that is not `'static`.
pub(crate) fn borrows(ty: &Type) -> Option<Span> {
    find(ty.to_token_stream(), &|token, next| match (token, next) {
        (TokenTree::Punct(mark), _) if mark.as_char() == '&' => true,
        (TokenTree::Punct(mark), Some(TokenTree::Ident(name))) => mark.as_char() == '\'' && name != "static",
        _ => false,
    })
}

/// Returns the span of the first token for which `wanted` is true. `wanted` also receives the token
/// after it.
fn find(tokens: TokenStream, wanted: &impl Fn(&TokenTree, Option<&TokenTree>) -> bool) -> Option<Span> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if wanted(&token, tokens.peek()) {
            return Some(token.span());
        }
        if let TokenTree::Group(group) = &token
            && let Some(span) = find(group.stream(), wanted)
        {
            return Some(span);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_borrows_is_found_at_any_depth() {
        let check =
            |ty: &str, expected: bool| assert_eq!(borrows(&syn::parse_str(ty).unwrap()).is_some(), expected, "{ty}");
        for borrowed in
            ["&str", "&'static str", "Cow<'a, str>", "Vec<(u8, &'a [u8])>", "Box<dyn A + 'a>", "[&'a u8; 2]"]
        {
            check(borrowed, true);
        }
        for owned in ["String", "Cow<'static, str>", "Vec<(u8, Box<str>)>", "a::B<C>", "Box<dyn A + 'static>"] {
            check(owned, false);
        }
    }

    #[test]
    fn the_items_own_name_is_found_at_any_depth() {
        assert!(has_self(&syn::parse_str("Vec<(u8, Option<Box<Self>>)>").unwrap()));
        assert!(!has_self(&syn::parse_str("Vec<Selfish>").unwrap()));
    }
}
