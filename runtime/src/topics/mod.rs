//! Topics: their numbering, what they retain, their subscribers and feeds.

mod subscription;
mod registry;
mod lease;
mod released;
mod live;
mod opening;
mod state;
mod loader;
mod commons;
mod budget;
mod settings;
mod feed;

pub(crate) use commons::Retention;
pub use feed::Feed;
pub(crate) use lease::Lease;
pub(crate) use opening::Opening;
pub use registry::TopicInfo;
pub(crate) use registry::Topics;
pub(crate) use settings::TopicSettings;
pub use state::Loaded;
pub(crate) use state::{Content, Edit};
pub(crate) use subscription::Subscription;
