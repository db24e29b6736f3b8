//! Declarations: names, types, topics and refusals. Builds without the feature `server`.

mod macros;
mod channel;
mod fragment;
mod subject;
pub(crate) mod refusal;
pub(crate) mod topic;
pub(crate) mod strict;
mod topic_error;
mod row_key;
mod checksum;
mod decimal;
mod tokens;

pub use channel::{Carried, Channel, Field, Push, Received, Request, Sends, State, Wire, received};
pub use checksum::{ChecksumError, row_checksum};
pub use fragment::{Docs, Fragment, OperationFragment, PushFragment, SchemaOf, exchange, schema_of, subject_field};
#[cfg(feature = "server")]
pub(crate) use fragment::{Exchange, SubjectField};
pub use macros::{channels, data, operations, ws_operation, ws_push, ws_router};
#[cfg(feature = "server")]
pub(crate) use refusal::CODES;
pub use refusal::Refusal;
pub use row_key::{KeyError, KeyPart, RowKey};
#[cfg(feature = "server")]
pub(crate) use strict::{Refused, Rules};
pub use subject::{Subject, SubjectText, subject_text};
pub use topic::{topic, topic_from_json, topic_of};
#[cfg(feature = "server")]
pub(crate) use topic_error::MAX_SAFE_INTEGER;
pub use topic_error::{MAX_DEPTH, TopicError};
