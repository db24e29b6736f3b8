//! Fan-out: each shard is a task that drains published updates and writes them to its subscribers.

mod hub;
mod handle;
pub(crate) mod shard;
mod run_queue;
mod inbox;
mod command;
mod peer;
mod audience;
mod memberships;
mod arrears;
mod writer;
mod batch;
mod outbox;
mod pending;
mod slow;
mod signals;
mod ids;

pub(crate) use command::{Command, Joining};
pub(crate) use handle::Handle;
pub(crate) use hub::Hub;
pub(crate) use ids::{Key, TopicId};
pub(crate) use inbox::{Bounds, Inbox};
pub use slow::SlowConsumer;
