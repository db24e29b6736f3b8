//! Declarations: names, types, topics and refusals. Builds without the feature `server`.

mod macros;
mod row;
mod key;
mod channel;
mod fragment;
pub mod kind;
mod subject;
pub(crate) mod refusal;
pub(crate) mod topic;
pub(crate) mod strict;
mod topic_error;
mod row_key;
mod checksum;
mod decimal;
mod text;
mod tokens;

pub use channel::{Carried, Channel, Field, Push, Received, Request, Sends, State, Wire, received};
pub use checksum::{ChecksumError, row_checksum};
pub use fragment::{
    Docs, Fragment, HistoryFragment, KindFragment, OperationFragment, PushFragment, SchemaOf, events, exchange,
    history, schema_of, subject_field, table,
};
#[cfg(feature = "server")]
pub(crate) use fragment::{Exchange, SubjectField};
pub use key::{Key, KeyField, Tabular, UnitEnum};
pub use macros::{channels, data, operations, ws_operation, ws_push, ws_router};
#[cfg(feature = "server")]
pub(crate) use refusal::CODES;
pub use refusal::Refusal;
pub use row::{FieldOf, Keyed, PartOf, Row, RowField, key_field, key_names, row_field, row_fields, unfit_field};
pub use row_key::{KeyError, KeyPart, RowKey};
#[cfg(feature = "server")]
pub(crate) use strict::{Refused, Rules};
pub use subject::{Subject, SubjectText, subject_text};
#[cfg(feature = "server")]
pub(crate) use text::same;
pub use topic::{topic, topic_from_json, topic_of};
#[cfg(feature = "server")]
pub(crate) use topic_error::MAX_SAFE_INTEGER;
pub use topic_error::{MAX_DEPTH, TopicError};
