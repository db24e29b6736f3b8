//! The error of building a server or sending a push.

use std::fmt;

use crate::wire::Unsendable;

/// An error of building or using a server.
///
/// The `is_*` methods return its kind. The message names what was wrong and what is allowed.
///
/// ```
/// use topicast::Server;
///
/// let error = Server::builder("Bars", "1.0.0").refusal_codes(["marketClosed"]).build().unwrap_err();
/// assert!(error.is_configuration());
/// assert!(error.to_string().starts_with("refusal code `marketClosed` is not in snake_case"));
/// ```
#[derive(Debug)]
pub struct Error(ErrorKind);

#[derive(Debug)]
pub(crate) enum ErrorKind {
    /// The lists or settings of a builder are invalid or conflict.
    Configuration(String),
    /// A channel or push that is not listed in the server.
    Unlisted(String),
    /// A push that cannot be sent.
    Encode(Unsendable),
}

impl Error {
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self(ErrorKind::Configuration(message.into()))
    }

    pub(crate) fn unlisted(what: &str, name: &str, list: &str) -> Self {
        Self(ErrorKind::Unlisted(format!("{what} `{name}` is not listed in this server; add it to `{list}`")))
    }

    pub(crate) fn encode(error: Unsendable) -> Self {
        Self(ErrorKind::Encode(error))
    }

    /// Returns true if the lists or settings of a builder are invalid or conflict.
    pub fn is_configuration(&self) -> bool {
        matches!(self.0, ErrorKind::Configuration(_))
    }

    /// Returns true if a channel or push is not listed in the server.
    pub fn is_unlisted(&self) -> bool {
        matches!(self.0, ErrorKind::Unlisted(_))
    }

    /// Returns true if a value does not serialize, or has a number that the documents do not allow.
    pub fn is_encode(&self) -> bool {
        matches!(self.0, ErrorKind::Encode(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ErrorKind::Configuration(message) | ErrorKind::Unlisted(message) => f.write_str(message),
            ErrorKind::Encode(error) => write!(f, "the value cannot be sent: {error}"),
        }
    }
}

impl std::error::Error for Error {}
