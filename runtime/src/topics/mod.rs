//! Topics: where updates enter, where they get their numbers, and what feeds them.

mod registry;
mod feed;

pub use feed::Feed;
pub use registry::TopicInfo;
pub(crate) use registry::{LiveTopic, Standing, Subscription, TopicSettings, Topics};
