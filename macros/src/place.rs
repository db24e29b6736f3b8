//! Moves tokens to the place at which the compiler reports their errors.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// Returns the same tokens at the location of `span`. Name resolution does not change.
pub(crate) fn at(span: Span, tokens: TokenStream) -> TokenStream {
    let place = |mut token: TokenTree| {
        if let TokenTree::Group(group) = &token {
            token = TokenTree::Group(Group::new(group.delimiter(), at(span, group.stream())));
        }
        token.set_span(token.span().located_at(span));
        token
    };
    tokens.into_iter().map(place).collect()
}
