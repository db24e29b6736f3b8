//! The test kit of the workspace: channels to test with, and a client that holds every
//! message against the documents.

pub mod client;
pub mod channels;
#[path = "../../runtime/src/docs/asyncapi/tests/documents.rs"]
pub mod documents;

/// The examples of the project's README, which is documentation of no crate.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

pub use http;
