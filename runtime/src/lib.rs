#![doc = include_str!("../README.md")]

#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "server")]
mod builder;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod docs;
#[cfg(feature = "server")]
mod connection;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "server")]
mod call;
#[cfg(feature = "server")]
mod topics;
#[cfg(feature = "server")]
mod fanout;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod wire;
#[cfg(feature = "server")]
mod limits;
#[cfg(feature = "server")]
mod profile;
#[cfg(feature = "server")]
mod panics;
mod declare;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use declare::Refusal;
pub use declare::Subject;
pub use declare::kind;
pub use declare::{Channel, Push, Request};
pub use declare::{Key, KeyField, Tabular};
pub use declare::{MAX_DEPTH, TopicError, topic, topic_from_json, topic_of};
pub use declare::{channels, data, operations, ws_operation, ws_push, ws_router};
pub use schemars;
pub use serde;

#[cfg(feature = "server")]
pub use {
    crate::error::Error,
    builder::Builder,
    call::Cx,
    call::Hooked,
    call::Router,
    call::Serve,
    call::Session,
    call::{Channels, Operations},
    call::{Handshake, Rejection},
    call::{Publisher, Rows, Topic},
    docs::AsyncApi,
    docs::{Contact, Licence, ServerInfo},
    fanout::SlowConsumer,
    limits::{HttpLimits, Limits},
    listen::{Serving, serve},
    profile::Profile,
    server::Server,
    topics::{Feed, TopicInfo},
    wire::CloseCode,
    wire::Position,
    wire::PublishError,
};

/// Profiles for compatibility with other systems.
#[cfg(feature = "server")]
pub mod compat {
    pub use crate::profile::fastws;
}
