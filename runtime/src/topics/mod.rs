//! Topics: where updates enter, where they get their numbers, and what feeds them.

mod publisher;
mod feed;
mod registry;

pub use feed::Feed;
pub(crate) use publisher::RawTopic;
pub use publisher::{PublishError, Publisher, Topic};
pub use registry::TopicInfo;
pub(crate) use registry::{LiveTopic, Standing, Subscription, TopicSettings, Topics};
