//! The state that all connections of a server share.

use std::{any::Any, sync::Arc};

use crate::{
    call::{Authenticate, Catalog},
    connection::{liveness::TimeLimits, sessions::Sessions},
    fanout::Hub,
    limits::Limits,
    listen::Turnstile,
    profile::Profile,
    topics::Topics,
};

/// The state that a server's connections share.
pub(crate) struct Shared {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) state: Arc<dyn Any + Send + Sync>,
    pub(crate) authenticate: Option<Authenticate>,
    pub(crate) topics: Arc<Topics>,
    pub(crate) hub: Hub,
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    pub(crate) time_limits: TimeLimits,
    pub(crate) sessions: Sessions,
    /// Paces the connections that have received something to answer.
    pub(crate) turnstile: Turnstile,
    /// Whether messages are echoed instead of dispatched, for conformance suites of the WebSocket
    /// layer.
    pub(crate) echo: bool,
}
