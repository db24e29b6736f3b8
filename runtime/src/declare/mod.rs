//! Declarations: names, types, topics and refusals. Builds without the feature `server`.

mod macros;
mod channel;
mod fragment;
mod subject;
pub(crate) mod refusal;
pub(crate) mod topic;
pub(crate) mod strict;
mod topic_error;

pub use channel::{Carried, Channel, Field, Push, Received, Request, Sends, State, Wire, received};
pub use fragment::{Docs, Fragment, OperationFragment, PushFragment, SchemaOf, exchange, schema_of, subject_field};
pub(crate) use fragment::{Exchange, SubjectField};
pub use macros::{channels, data, operations, ws_operation, ws_push, ws_router};
pub(crate) use refusal::CODES;
pub use refusal::Refusal;
pub(crate) use strict::{Refused, Rules};
pub use subject::{Subject, SubjectText, subject_text};
pub use topic::{topic, topic_from_json, topic_of};
pub(crate) use topic_error::MAX_SAFE_INTEGER;
pub use topic_error::{MAX_DEPTH, TopicError};
