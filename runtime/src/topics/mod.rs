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

pub(crate) use commons::Retention;
pub use feed::Feed;
pub(crate) use lease::Lease;
pub(crate) use opening::Opening;
pub use registry::TopicInfo;
pub(crate) use registry::{TopicSettings, Topics};
pub use state::Loaded;
pub(crate) use state::{Content, Edit};
pub(crate) use subscription::Subscription;
