//! The documentation of a server: its AsyncAPI documents and the page that displays them.

pub(crate) mod routes;
pub(crate) mod page;
mod asyncapi;
mod info;

pub use asyncapi::AsyncApi;
pub use info::{Contact, Licence, ServerInfo};
pub(crate) use info::{Info, Surface, Tag};
