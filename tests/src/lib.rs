//! The test kit of the workspace: channels to test with, and a client that holds every
//! message against the documents.

pub mod client;
pub mod channels;
pub mod documents;

pub use http;
