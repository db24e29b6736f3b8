//! The interface between expansions and the runtime; nothing here is public API.

pub use crate::declare::kind::{Events, Latest, Table};
pub use crate::declare::{
    Carried, Channel, ChecksumError, Docs, Field, FieldOf, Fragment, HistoryFragment, KeyError, KeyField, KeyPart,
    Keyed, KindFragment, OperationFragment, PartOf, Push, PushFragment, Received, Request, Row, RowField, RowKey,
    SchemaOf, Sends, State, Subject, SubjectText, Tabular, UnitEnum, Wire, events, exchange, history, key_field,
    key_names, received, row_checksum, row_field, row_fields, schema_of, subject_field, subject_text, table,
    unfit_field,
};
pub use core::{
    concat,
    default::Default,
    option::Option::{self, None, Some},
    result::Result::{self, Ok},
};
pub use schemars;
pub use serde;
pub use std::string::String;

#[cfg(feature = "server")]
pub use crate::call::{
    Answer, Call, ChannelRow, Channels, Done, Function, Handled, HookOf, ListedChannel, ListedOperation, Loaded,
    NamedRow, OperationRow, Operations, Published, RawCx, RawTopic, Router, Serve, Served, Serves, SnapshotHook, Text,
    assert_new, channel, channels, decode, operation, operations, payload, replying, silent, subscribe, undeclared,
    unsubscribe, update, update_row,
};

/// Keeps what needs the server out of a crate of declarations that is built without it.
#[cfg(feature = "server")]
#[doc(hidden)]
#[macro_export]
macro_rules! __server {
    ($($item:item)*) => { $($item)* };
}

/// Keeps what needs the server out of a crate of declarations that is built without it.
#[cfg(not(feature = "server"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __server {
    ($($item:item)*) => {};
}

pub use crate::__server as server;

/// The names of the standard prelude that schemars' derive uses without a path.
pub mod prelude {
    pub use core::{
        convert::{From as _, Into as _},
        default::Default as _,
        iter::{IntoIterator as _, Iterator as _},
        option::Option::{None, Some},
    };
    pub use std::string::ToString as _;
}

/// The type of a schema's name.
pub type SchemaName = std::borrow::Cow<'static, str>;

/// Returns the wire name of a field of type `T`. The compiler reports an unsuitable field type
/// here.
pub const fn field<T: Field>(name: &'static str) -> &'static str {
    name
}

/// Checks the type of a field of a message's payload, as [`field`] does for a request.
pub const fn carried<T: Carried>() {}

/// Stands in for the value of a borrowed field in a faulty declaration, whose build fails in any case.
pub fn never<T>() -> T {
    unreachable!("the build of a faulty declaration fails")
}
