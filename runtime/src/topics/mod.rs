//! Topics: numbering, subscribers and feeds.

mod registry;
mod feed;

pub use feed::Feed;
pub use registry::TopicInfo;
pub(crate) use registry::{LiveTopic, StreamPosition, Subscription, TopicSettings, Topics};
