//! The error of building a client, subscribing and restoring.

use std::fmt;

use topicast::TopicError;

use crate::disconnect::Disconnect;

/// An error of building a client, of subscribing or of restoring.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = topicast_client::Client::builder("http://localhost:8000/ws").build().unwrap_err();
/// assert!(error.is_configuration());
/// assert!(error.to_string().contains("http://localhost:8000/ws"));
/// # }
/// ```
#[derive(Debug)]
pub struct Error(ErrorKind);

#[derive(Debug)]
enum ErrorKind {
    Configuration(String),
    Unreachable(Disconnect),
    Request(String),
    Storage(String),
    Closed,
}

impl Error {
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self(ErrorKind::Configuration(message.into()))
    }

    pub(crate) fn unreachable(why: Disconnect) -> Self {
        Self(ErrorKind::Unreachable(why))
    }

    pub(crate) fn encode(error: &serde_json::Error) -> Self {
        Self(ErrorKind::Request(format!("the request does not serialize: {error}")))
    }

    pub(crate) fn decode(error: &serde_json::Error) -> Self {
        Self(ErrorKind::Request(format!("it is not a request of the channel: {error}")))
    }

    pub(crate) fn storage(message: String) -> Self {
        Self(ErrorKind::Storage(message))
    }

    pub(crate) fn options(message: impl Into<String>) -> Self {
        Self(ErrorKind::Request(message.into()))
    }

    pub(crate) fn too_big(bytes: usize, limit: usize) -> Self {
        Self(ErrorKind::Request(format!("the request has {bytes} bytes, more than the limit of {limit}")))
    }

    pub(crate) fn closed() -> Self {
        Self(ErrorKind::Closed)
    }

    /// Returns true if the URL, a header or a setting is not valid.
    pub fn is_configuration(&self) -> bool {
        matches!(self.0, ErrorKind::Configuration(_))
    }

    /// Returns why the first connection failed, if that is the error.
    pub fn disconnect(&self) -> Option<&Disconnect> {
        match &self.0 {
            ErrorKind::Unreachable(why) => Some(why),
            _ => None,
        }
    }

    /// Returns true if the request has no canonical form, so that there is no topic for it, if it
    /// exceeds [the size limit](crate::Builder::send_bytes), or if its [options](crate::Options) are
    /// not valid.
    pub fn is_request(&self) -> bool {
        matches!(self.0, ErrorKind::Request(_))
    }

    /// Returns true if the storage could not be read.
    pub fn is_storage(&self) -> bool {
        matches!(self.0, ErrorKind::Storage(_))
    }

    /// Returns true if the client was closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.0, ErrorKind::Closed)
    }
}

impl From<TopicError> for Error {
    fn from(error: TopicError) -> Self {
        Self(ErrorKind::Request(error.to_string()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ErrorKind::Configuration(message) | ErrorKind::Request(message) => f.write_str(message),
            ErrorKind::Storage(message) => write!(f, "cannot restore subscriptions: {message}"),
            ErrorKind::Unreachable(why) => why.fmt(f),
            ErrorKind::Closed => f.write_str("the client was closed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            ErrorKind::Unreachable(why) => Some(why),
            ErrorKind::Configuration(_) | ErrorKind::Request(_) | ErrorKind::Storage(_) | ErrorKind::Closed => None,
        }
    }
}
