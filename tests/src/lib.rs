//! The test kit of the workspace: typical channels, and a client that validates every message
//! against the documents.

pub mod client;
pub mod channels;
pub mod kinds;
pub mod random;
#[path = "../../runtime/src/docs/asyncapi/tests/documents.rs"]
pub mod documents;

/// The examples of the project's README, which no crate includes.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples in the documentation for users.
#[cfg(doctest)]
pub mod documentation {
    #[doc = include_str!("../../docs/channels.md")]
    pub struct Channels;

    #[doc = include_str!("../../docs/embedding.md")]
    pub struct Embedding;
}

pub use http;
