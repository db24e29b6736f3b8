//! What can go wrong before a server runs, and when a push is not what was declared.

use std::fmt;

use crate::wire::Unsendable;

/// An error of building or using a server.
///
/// What kind it is, the `is_*` methods tell; the message names what was wrong and what
/// is allowed.
///
/// ```
/// use topicast::Server;
///
/// let error = Server::builder("Bars", "1.0.0").refusal_codes(["marketClosed"]).build().unwrap_err();
/// assert!(error.is_configuration());
/// assert!(error.to_string().contains("marketClosed"));
/// ```
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    /// A list or a setting does not fit.
    Configuration(String),
    /// A channel or push that is not listed in the server.
    Unlisted(String),
    /// A push that cannot be sent.
    Encode(Unsendable),
}

impl Error {
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self(Kind::Configuration(message.into()))
    }

    pub(crate) fn unlisted(what: &str, name: &str, list: &str) -> Self {
        Self(Kind::Unlisted(format!("{what} `{name}` is not listed in this server; add it to `{list}`")))
    }

    pub(crate) fn encode(error: Unsendable) -> Self {
        Self(Kind::Encode(error))
    }

    /// The lists or settings of a builder do not fit together.
    pub fn is_configuration(&self) -> bool {
        matches!(self.0, Kind::Configuration(_))
    }

    /// A channel or push is not listed in the server.
    pub fn is_unlisted(&self) -> bool {
        matches!(self.0, Kind::Unlisted(_))
    }

    /// A value does not serialize, or has a number that the documents do not allow.
    pub fn is_encode(&self) -> bool {
        matches!(self.0, Kind::Encode(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Configuration(message) | Kind::Unlisted(message) => f.write_str(message),
            Kind::Encode(error) => write!(f, "the value cannot be sent: {error}"),
        }
    }
}

impl std::error::Error for Error {}
