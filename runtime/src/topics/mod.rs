//! Topics: numbering, subscribers and feeds.

mod registry;
mod feed;
#[cfg_attr(not(test), expect(dead_code, reason = "topics keep no state yet"))]
mod state;

pub use feed::Feed;
pub use registry::TopicInfo;
pub(crate) use registry::{LiveTopic, StreamPosition, Subscription, TopicSettings, Topics};
