//! What goes over the wire: envelopes, payloads of requests and replies, frames, close codes, and the stream below.

pub(crate) mod request;
mod reply;
mod update;
pub(crate) mod payload;
mod envelope;
mod frame;
mod close;
mod transport;

pub use close::CloseCode;
pub(crate) use close::reason;
pub(crate) use envelope::{Envelope, Id, Message, string};
pub(crate) use frame::Frame;
pub use payload::PublishError;
pub(crate) use payload::Unsendable;
pub(crate) use reply::{ok_payload, refusal_payload};
pub(crate) use request::Form;
pub(crate) use transport::Transport;
pub(crate) use update::{Prefix, Update, tell_skipped, topic_message};
