//! What the application's code is called with: hooks and operations, erased to function pointers, and what they see.

mod catalog;
mod erased;
mod serve;
mod cx;
mod session;
pub(crate) mod handshake;

pub(crate) use catalog::{Catalog, Target};
pub use cx::{Cx, RawCx};
pub use erased::{
    Answer, Call, ChannelSpec, Channels, ListedChannel, ListedOperation, OperationSpec, Operations, Row, Serves,
    assert_new, channel, channels, operation, operations, payload, received, replying, silent,
};
pub(crate) use erased::{Decoded, Hooks, Pending, RequestSpec};
pub(crate) use handshake::Authenticate;
pub use handshake::{Handshake, Rejection};
pub use serve::Serve;
pub use session::Session;
