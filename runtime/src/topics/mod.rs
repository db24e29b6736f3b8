//! Topics: where updates enter, where they get their numbers, and what feeds them.

mod publisher;
mod feed;
mod registry;

pub use feed::Feed;
pub use publisher::{Publisher, Topic};
pub use registry::TopicInfo;
pub(crate) use registry::{LiveTopic, Standing, Subscription, TopicSettings, Topics};
