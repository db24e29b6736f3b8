//! What a server says of itself: AsyncAPI documents of one model, and the page that shows them.

pub(crate) mod routes;
pub(crate) mod page;
mod asyncapi;
mod info;

pub use asyncapi::AsyncApi;
pub use info::{Contact, Licence, ServerInfo};
pub(crate) use info::{Info, Surface, Tag};
