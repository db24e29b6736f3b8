//! The whole contract between an expansion and the runtime; nothing here is public API.

pub use crate::declare::{
    Channel, ChannelDeclaration, Docs, Field, OperationDeclaration, Push, PushDeclaration, Received, SchemaOf, Sends,
    State, Subject, SubjectText, Wire, schema_of, subject_text,
};
pub use core::{
    concat,
    default::Default,
    option::Option::{self, None, Some},
    result::Result::{self, Ok},
};
pub use schemars;
pub use serde;

#[cfg(feature = "server")]
pub use crate::call::{
    Answer, Call, ChannelSpec, Channels, ListedChannel, ListedOperation, OperationSpec, Operations, RawCx, Row, Serve,
    Serves, assert_new, channel, channels, operation, operations, payload, received, replying, silent,
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

/// What schemars' derive takes from the standard prelude without saying where it is.
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

/// The wire name of a field whose type is `T`: the place where a type that cannot be a
/// field is reported.
pub const fn field<T: Field>(name: &'static str) -> &'static str {
    name
}
