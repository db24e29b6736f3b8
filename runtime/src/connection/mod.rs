//! One connection's own task: the upgrade, reading, answering, time limits, closing.

mod upgrade;
pub(crate) mod task;
mod presence;
mod intake;
mod dispatch;
mod shared;
mod reader;
mod liveness;

pub(crate) use liveness::TimeLimits;
#[cfg(feature = "testing")]
pub(crate) use reader::{Incoming, Reader};
pub(crate) use shared::{Sessions, Shared};
pub(crate) use upgrade::upgrade;
#[cfg(feature = "testing")]
pub(crate) use upgrade::{admit, authenticate, serve_transport};
