//! Calls into the application: hooks and operations as function pointers, and the context that they receive.

mod catalog;
mod erased;
mod snapshot;
mod serve;
mod publisher;
mod topic;
mod rows;
mod encode;
pub(crate) mod handshake;
pub(crate) mod router;
mod hooked;
mod cx;
mod session;
mod pushes;

pub use crate::topics::Loaded;
pub(crate) use catalog::{Catalog, PING, Target};
pub use cx::{Cx, RawCx};
pub use erased::{
    Answer, ChannelRow, Channels, Function, ListedChannel, ListedOperation, NamedRow, OperationRow, Operations, Serves,
    assert_new, channel, channels, operation, operations, payload, replying, silent, undeclared,
};
pub(crate) use erased::{Hooks, RequestRow};
pub(crate) use handshake::Authenticate;
pub use handshake::{Handshake, Rejection};
pub use hooked::Hooked;
pub use publisher::Publisher;
pub(crate) use router::{Answers, Decoded, Pending};
pub use router::{Call, Done, Handled, Published, RawTopic, Router, Text, decode, subscribe, unsubscribe, update};
pub use rows::{Rows, update_row};
pub use serve::{Serve, Served};
pub use session::Session;
pub(crate) use snapshot::AnyState;
pub use snapshot::{HookOf, SnapshotHook};
pub use topic::Topic;
