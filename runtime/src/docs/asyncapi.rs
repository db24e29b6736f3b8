//! The AsyncAPI documents of a server: one model, rendered as versions 3.0.0 and 2.4.0.

use std::fmt;

use serde_json::Value;

use crate::docs::surface::Surface;

mod v3;
mod v2;
mod render;
mod model;
mod channels;
mod connection;
mod titles;
mod kinds;
mod message;
mod nested;
mod schemas;
mod aliases;
mod example;

/// The AsyncAPI documents of a server.
///
/// Both describe the same messages, each as a whole text frame. The 3.0.0 document also connects
/// replies to their requests. The 2.4.0 standard has no keyword for that, so the extension
/// `x-response` of a request lists the `messageId` of each of its replies.
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// let ws = topicast::Server::builder("Bars", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// let documents = ws.asyncapi("/ws");
/// assert_eq!(documents.v2()["asyncapi"], "2.4.0");
/// assert_eq!(documents.v3()["asyncapi"], "3.0.0");
/// assert!(documents.v3_json().contains("bars.subscribe"));
/// # Ok::<(), topicast::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AsyncApi {
    v2: Value,
    v3: Value,
}

impl AsyncApi {
    /// Returns the documents of a surface that is served at `path`.
    pub(crate) fn of(surface: &Surface, path: &str) -> Result<Self, Error> {
        let path = if path.is_empty() { "/" } else { path };
        let model = model::Model::of(surface, path)?;
        Ok(Self { v2: v2::render(&model), v3: v3::render(&model) })
    }

    /// Returns the documents of the surface of a built server.
    pub(crate) fn of_valid(surface: &Surface, path: &str) -> Self {
        Self::of(surface, path).expect("building the server made the same documents")
    }

    /// Returns the document in AsyncAPI 2.4.0, where `publish` lists the messages of clients.
    pub fn v2(&self) -> &Value {
        &self.v2
    }

    /// Returns the document in AsyncAPI 3.0.0.
    pub fn v3(&self) -> &Value {
        &self.v3
    }

    /// Returns [`v2`](Self::v2) as indented JSON that ends with a newline.
    pub fn v2_json(&self) -> String {
        pretty(&self.v2)
    }

    /// Returns [`v3`](Self::v3) as indented JSON that ends with a newline.
    pub fn v3_json(&self) -> String {
        pretty(&self.v3)
    }
}

fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The reason why a surface has no documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Error {
    /// Different Rust types have the same schema name.
    SchemaCollision { name: String },
    /// The name of a type is not a valid component name.
    SchemaName { name: String },
    /// Two messages have the same key in the document.
    MessageCollision { key: String },
    /// The name of a message is not a valid component name.
    MessageName { key: String },
    /// The payload of a request is never a JSON object.
    NotAnObject { message: String },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SchemaCollision { name } => write!(
                f,
                "the documents need different schemas named `{name}`: rename one of the types, or its schema with \
                 `#[schemars(rename = \"…\")]`"
            ),
            Self::SchemaName { name } => write!(
                f,
                "the schema name `{name}` is not valid in the documents: allowed are ASCII letters, digits, `.`, `-` \
                 and `_`"
            ),
            Self::MessageCollision { key } => {
                write!(f, "the documents need two messages named `{key}`: rename one of the operations or pushes")
            }
            Self::MessageName { key } => write!(
                f,
                "the message name `{key}` is not valid in the documents: allowed are ASCII letters, digits, `.`, `-` \
                 and `_`"
            ),
            Self::NotAnObject { message } => {
                write!(f, "the payload of `{message}` is not an object: a request is a struct with named fields")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Returns true if a name can be the key of a component in both versions.
fn is_component_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

#[cfg(test)]
mod tests;
