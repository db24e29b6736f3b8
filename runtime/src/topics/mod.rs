//! Topics: their numbering, what they retain, their subscribers and feeds.

mod registry;
mod lease;
mod subscription;
mod live;
mod opening;
mod state;
mod loader;
mod released;
mod budget;
mod commons;
mod feed;
#[cfg_attr(not(test), expect(dead_code, reason = "topics keep no state yet"))]
mod state;

pub(crate) use commons::Retention;
pub use feed::Feed;
pub(crate) use lease::Lease;
pub(crate) use live::LiveTopic;
pub(crate) use opening::Opening;
pub use registry::TopicInfo;
pub(crate) use registry::{TopicSettings, Topics};
pub use state::Loaded;
pub(crate) use state::{Content, Edit};
pub(crate) use subscription::Subscription;
