//! The description of a service in its documents.

use crate::{
    declare::{Fragment, OperationFragment, PushFragment},
    profile::Profile,
};

/// The head of the documents: AsyncAPI's Info Object, identifier, servers and tags.
#[derive(Debug, Clone, Default)]
pub(crate) struct Info {
    /// The name of the service.
    pub title: String,
    /// The version of the API.
    pub version: String,
    /// The identifier of the service, a URI (AsyncAPI `id`).
    pub id: Option<String>,
    /// The description of the service, in Markdown.
    pub description: Option<String>,
    /// Contact information for the API.
    pub contact: Option<Contact>,
    /// The licence of the API.
    pub licence: Option<Licence>,
    /// The addresses at which the service runs.
    pub servers: Vec<ServerInfo>,
    /// Tags with descriptions.
    pub tags: Vec<Tag>,
}

/// Contact information for an API.
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
    /// The name of a person or a team.
    pub name: Option<String>,
    /// The address of a web page.
    pub url: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
}

/// The licence of an API.
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
    /// The address of the licence's text.
    pub url: Option<String>,
}

/// An address at which a service runs.
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
    /// The purpose of this server.
    pub description: Option<String>,
}

/// A tag that groups channels and operations.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    /// The tag.
    pub name: String,
    /// The description of the group.
    pub description: Option<String>,
}

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
