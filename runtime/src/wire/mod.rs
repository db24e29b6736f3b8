//! The wire format: envelopes, payloads, frames, close codes, and the byte stream that carries them.

pub(crate) mod request;
mod reply;
mod update;
pub(crate) mod payload;
mod envelope;
mod start;
mod fault;
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
pub use start::Position;
pub(crate) use start::Start;
pub(crate) use transport::Transport;
pub(crate) use update::{Prefix, Update, topic_message, with_skipped};
