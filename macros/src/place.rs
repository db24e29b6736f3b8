//! Moves tokens to where the compiler's complaints about them are to point.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// The same tokens at the place of `span`; names are still looked up where they were written.
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
