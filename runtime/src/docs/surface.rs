//! What a server offers: the model behind every document.

use crate::{
    declare::{Fragment, OperationFragment, PushFragment},
    docs::info::Info,
    profile::Profile,
};

/// Everything that the documents describe, as plain data.
/// Everything that the documents describe, as plain data.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    /// The head of the documents.
    pub info: Info,
    /// The channels, in the order in which they were listed.
    pub channels: Vec<Fragment>,
    /// The plain operations, in the order in which they were listed.
    pub operations: Vec<OperationFragment>,
    /// The pushes, in the order in which they were listed.
    pub pushes: Vec<PushFragment>,
    /// The refusal codes that the application adds to those of the protocol.
    pub refusal_codes: Vec<String>,
    /// How the server handles faults, nested requests and liveness.
    pub profile: Profile,
}
