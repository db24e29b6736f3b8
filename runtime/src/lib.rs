#![doc = include_str!("../README.md")]

#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "server")]
mod builder;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod page;
#[cfg(feature = "server")]
mod asyncapi;
#[cfg(feature = "server")]
mod upgrade;
#[cfg(feature = "server")]
mod http_stream;
#[cfg(feature = "server")]
mod http_body;
#[cfg(feature = "server")]
mod connection;
#[cfg(feature = "server")]
mod presence;
#[cfg(feature = "server")]
mod intake;
#[cfg(feature = "server")]
mod dispatch;
#[cfg(feature = "server")]
mod core;
#[cfg(feature = "server")]
mod handshake;
#[cfg(feature = "server")]
mod hub;
#[cfg(feature = "server")]
mod shard;
#[cfg(feature = "server")]
mod waiting;
#[cfg(feature = "server")]
mod session;
#[cfg(feature = "server")]
mod catalog;
#[cfg(feature = "server")]
mod spec;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "server")]
mod cx;
#[cfg(feature = "server")]
mod publisher;
#[cfg(feature = "server")]
mod router;
#[cfg(feature = "server")]
mod topics;
#[cfg(feature = "server")]
mod feed;
#[cfg(feature = "server")]
mod link;
#[cfg(feature = "server")]
mod inbox;
#[cfg(feature = "server")]
mod conn;
#[cfg(feature = "server")]
mod memberships;
#[cfg(feature = "server")]
mod writer;
#[cfg(feature = "server")]
mod behind;
#[cfg(feature = "server")]
mod batch;
#[cfg(feature = "server")]
mod audience;
#[cfg(feature = "server")]
mod outbox;
#[cfg(feature = "server")]
mod signals;
#[cfg(feature = "server")]
mod turnstile;
#[cfg(feature = "server")]
mod ids;
#[cfg(feature = "server")]
mod slow;
#[cfg(feature = "server")]
mod update;
#[cfg(feature = "server")]
mod transport;
#[cfg(feature = "server")]
mod reader;
#[cfg(feature = "server")]
mod liveness;
#[cfg(feature = "server")]
mod limits;
#[cfg(feature = "server")]
mod info;
#[cfg(feature = "server")]
mod reply;
#[cfg(feature = "server")]
mod envelope;
#[cfg(feature = "server")]
mod frame;
#[cfg(feature = "server")]
mod panics;
#[cfg(feature = "server")]
mod close;
#[cfg(feature = "server")]
mod request;
#[cfg(feature = "server")]
mod profile;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod payload;
mod macros;
mod refusal;
mod strict;
mod topic;
mod channel;
mod fragment;
mod subject;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use channel::{Channel, Push, Request};
pub use macros::{channels, data, operations, ws_operation, ws_push, ws_router};
pub use refusal::Refusal;
pub use schemars;
pub use serde;
pub use subject::Subject;
pub use topic::{MAX_DEPTH, TopicError, topic, topic_from_json, topic_of};

#[cfg(feature = "server")]
pub use {
    crate::error::Error,
    asyncapi::AsyncApi,
    builder::Builder,
    close::CloseCode,
    cx::Cx,
    feed::Feed,
    handshake::{Handshake, Rejection},
    info::{Contact, Licence, ServerInfo},
    limits::{HttpLimits, Limits},
    listen::{Serving, serve},
    payload::PublishError,
    profile::Profile,
    publisher::{Publisher, Topic},
    router::Router,
    serve::Serve,
    server::Server,
    session::Session,
    slow::SlowConsumer,
    spec::{Channels, Operations},
    topics::TopicInfo,
};

/// Behaviour of other systems that this one can replace.
#[cfg(feature = "server")]
pub mod compat {
    pub use crate::profile::fastws;
}
