//! What a declaration is: names, types, topics and refusals. All that is built without the feature `server`.

mod channel;
mod declaration;
mod subject;
pub(crate) mod refusal;
pub(crate) mod topic;
pub(crate) mod strict;

pub use channel::{Channel, Field, Push, Received, Sends, State, Wire};
pub use declaration::{ChannelDeclaration, Docs, OperationDeclaration, PushDeclaration, SchemaOf, schema_of};
pub(crate) use refusal::CODES;
pub use refusal::Refusal;
pub use subject::{Subject, SubjectText, subject_text};
pub(crate) use topic::MAX_SAFE_INTEGER;
pub use topic::{MAX_DEPTH, TopicError, topic, topic_from_json, topic_of};
