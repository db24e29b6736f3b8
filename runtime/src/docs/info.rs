//! What a service says of itself in its documents.

use crate::{
    declare::{Fragment, OperationFragment, PushFragment},
    profile::Profile,
};

/// The head of the documents: AsyncAPI's Info Object and what stands beside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Info {
    /// The name of the service.
    pub title: String,
    /// The version of the service's interface.
    pub version: String,
    /// An identifier of the service, a URI (AsyncAPI `id`).
    pub id: Option<String>,
    /// What the service is for, in Markdown.
    pub description: Option<String>,
    /// Whom to ask.
    pub contact: Option<Contact>,
    /// The licence of the interface.
    pub licence: Option<Licence>,
    /// Where the service runs.
    pub servers: Vec<ServerInfo>,
    /// Tags with descriptions.
    pub tags: Vec<Tag>,
}

/// Whom to ask about a service.
///
/// ```
/// use topicast::{Contact, Server};
///
/// let contact = Contact { email: Some("desk@example.com".into()), ..Contact::default() };
/// let ws = Server::builder("Bars", "1.0.0").contact(contact).build()?;
/// assert_eq!(ws.asyncapi("/ws").v3()["info"]["contact"]["email"], "desk@example.com");
/// # Ok::<(), topicast::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Contact {
    /// A person's or team's name.
    pub name: Option<String>,
    /// A web address.
    pub url: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
}

/// The licence of an interface.
///
/// ```
/// use topicast::{Licence, Server};
///
/// let ws = Server::builder("Bars", "1.0.0").licence(Licence { name: "MIT".into(), url: None }).build()?;
/// assert_eq!(ws.asyncapi("/ws").v3()["info"]["license"]["name"], "MIT");
/// # Ok::<(), topicast::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Licence {
    /// An SPDX expression or a name.
    pub name: String,
    /// Where its text is.
    pub url: Option<String>,
}

/// One place where a service runs.
///
/// ```
/// use topicast::{Server, ServerInfo};
///
/// let production = ServerInfo {
///     name: "production".into(),
///     host: "api.example.com".into(),
///     protocol: "wss".into(),
///     description: None,
/// };
/// let ws = Server::builder("Bars", "1.0.0").server(production).build()?;
/// assert_eq!(ws.asyncapi("/ws").v3()["servers"]["production"]["host"], "api.example.com");
/// # Ok::<(), topicast::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// A short key, for example `production`.
    pub name: String,
    /// Host and port, for example `api.example.com` or `localhost:8000`.
    pub host: String,
    /// `ws` or `wss`.
    pub protocol: String,
    /// What this place is for.
    pub description: Option<String>,
}

/// A tag that channels and operations are grouped by.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    /// The tag.
    pub name: String,
    /// What it groups.
    pub description: Option<String>,
}

/// All that a server offers, as plain data: the one model behind every document.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    /// The head of the documents.
    pub info: Info,
    /// The channels, in the order in which they were listed.
    pub channels: Vec<Fragment>,
    /// The plain operations, likewise.
    pub operations: Vec<OperationFragment>,
    /// The pushes, likewise.
    pub pushes: Vec<PushFragment>,
    /// Codes of refusal that the application added to the contract's own.
    pub refusal_codes: Vec<String>,
    /// How faults, nested requests and liveness are handled.
    pub profile: Profile,
}
