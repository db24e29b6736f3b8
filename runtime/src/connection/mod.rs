//! The task of one connection: upgrade, reading, answering, time limits and close.

mod upgrade;
pub(crate) mod task;
mod presence;
mod intake;
mod dispatch;
mod subscribing;
mod call;
mod shared;
mod sessions;
mod reader;
mod liveness;

pub(crate) use liveness::TimeLimits;
#[cfg(feature = "testing")]
pub(crate) use reader::{Incoming, Reader};
pub(crate) use sessions::Sessions;
pub(crate) use shared::Shared;
pub(crate) use upgrade::upgrade;
#[cfg(feature = "testing")]
pub(crate) use upgrade::{admit, authenticate, serve_transport};
