//! `channels!` and `operations!`: reads and checks the lists.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{
    Path, Token, Type,
    parse::{Parse, ParseStream, Parser as _},
    punctuated::Punctuated,
};

use crate::{channel::default_runtime, errors::Errors};

/// A list without repeated entries; only [`check`] creates one.
pub(crate) struct List {
    pub(crate) runtime: Path,
    /// The state of the application, if the list names one.
    pub(crate) state: Option<Type>,
    pub(crate) words: Vec<Path>,
}

/// The parts of a faulty list: its errors, and the entries without repetitions if it could be read.
pub(crate) struct Faulty {
    pub(crate) list: Option<List>,
    pub(crate) errors: TokenStream,
}

/// Reads `[crate = path;] [State;] word, word`.
pub(crate) fn check(tokens: TokenStream, example: &str) -> Result<List, Box<Faulty>> {
    let errors = Errors::new();
    let mut list = List::parse.parse2(tokens).map_or_else(
        |error| {
            errors.at(error.span(), format!("{error}; write the list as `{example}`"));
            None
        },
        Some,
    );
    if let Some(list) = &mut list {
        let mut seen = Vec::new();
        list.words.retain(|word| {
            let written = text(word);
            let new = !seen.contains(&written);
            if !new {
                errors.on(word, format!("`{written}` is already in this list; list each entry once"));
            }
            seen.push(written);
            new
        });
    }
    match (errors.check(), list) {
        (Ok(()), Some(list)) => Ok(list),
        (Err(errors), list) => Err(Box::new(Faulty { list, errors })),
        // A list that could not be read is already reported, so this is unreachable.
        (Ok(()), None) => Err(Box::new(Faulty { list: None, errors: TokenStream::new() })),
    }
}

impl Parse for List {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut runtime = default_runtime();
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            runtime = input.call(Path::parse_mod_style)?;
            input.parse::<Token![;]>()?;
        }
        let ahead = input.fork();
        let mut state = None;
        if ahead.parse::<Type>().is_ok() && ahead.peek(Token![;]) {
            state = Some(input.parse()?);
            input.parse::<Token![;]>()?;
        }
        let words = Punctuated::<Path, Token![,]>::parse_terminated(input)?.into_iter().collect();
        Ok(Self { runtime, state, words })
    }
}

/// Returns the path as the user wrote it.
pub(crate) fn text(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}
