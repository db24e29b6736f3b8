//! `topicast::serve`: accepts sockets, serves HTTP until the upgrade, and paces new connections.

mod serving;
mod http_stream;
mod http_body;
mod turnstile;

pub(crate) use http_stream::HttpStream;
pub use serving::{Serving, serve};
pub(crate) use turnstile::Turnstile;
