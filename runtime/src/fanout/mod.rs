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
mod course;
mod reply;
mod replay;
mod source;
mod timers;
mod writer;
mod batch;
mod outbox;
mod pending;
mod slow;
mod signals;
mod ids;

pub(crate) use command::{Command, Joining};
pub(crate) use course::{Beginning, Release};
pub(crate) use handle::Handle;
pub(crate) use hub::Hub;
pub(crate) use ids::{Key, TopicId};
pub(crate) use inbox::{Bounds, Inbox};
pub(crate) use replay::{Replay, ReplayBudget};
pub(crate) use reply::Reply;
pub use slow::SlowConsumer;
pub(crate) use source::{CaughtUp, Source};
