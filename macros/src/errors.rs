//! Collects the errors of one item, so that a build reports all of them at once.

use std::{cell::RefCell, fmt::Display, thread};

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The errors so far. Dropping it unchecked is a bug of this crate and panics.
pub(crate) struct Errors(RefCell<Option<Vec<syn::Error>>>);

impl Errors {
    pub(crate) fn new() -> Self {
        Self(RefCell::new(Some(Vec::new())))
    }

    /// Adds an error at `span`.
    pub(crate) fn at(&self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Adds an error that points at all of `tokens`.
    pub(crate) fn on(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    fn push(&self, error: syn::Error) {
        if let Some(errors) = self.0.borrow_mut().as_mut() {
            errors.push(error);
        }
    }

    /// Ends the collection and returns the errors as `compile_error!` calls, if there are any.
    pub(crate) fn check(self) -> Result<(), TokenStream> {
        let errors = self.0.take().unwrap_or_default();
        let combined = errors.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        combined.map_or(Ok(()), |all| Err(all.into_compile_error()))
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(
            thread::panicking() || self.0.borrow().is_none(),
            "the errors of a macro's input were never checked: this is a bug of topicast-macros"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_comes_out() {
        let errors = Errors::new();
        errors.at(Span::call_site(), "one");
        errors.at(Span::call_site(), "two");
        let out = errors.check().unwrap_err().to_string();
        assert!(out.contains("one") && out.contains("two"), "{out}");
    }

    #[test]
    #[should_panic(expected = "never checked")]
    fn an_unchecked_accumulator_panics() {
        Errors::new().at(Span::call_site(), "lost");
    }
}
