//! What can go wrong: with a client as a whole, and with one request.

use std::fmt;

use topicast::{Refusal, TopicError};

use crate::{disconnect::Disconnect, item::Unreadable};

/// An error of building a client or of subscribing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = topicast_client::Client::builder("http://localhost:8000/ws").build().unwrap_err();
/// assert!(error.is_configuration());
/// assert_eq!(error.to_string(), "address `http://localhost:8000/ws`: the scheme is not ws or wss");
/// # }
/// ```
#[derive(Debug)]
pub struct Error(Kind);

#[derive(Debug)]
enum Kind {
    Configuration(String),
    Unreachable(Disconnect),
    Request(String),
    Storage(String),
    Closed,
}

impl Error {
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self(Kind::Configuration(message.into()))
    }

    pub(crate) fn unreachable(why: Disconnect) -> Self {
        Self(Kind::Unreachable(why))
    }

    pub(crate) fn encode(error: &serde_json::Error) -> Self {
        Self(Kind::Request(format!("the request does not serialize: {error}")))
    }

    pub(crate) fn decode(error: &serde_json::Error) -> Self {
        Self(Kind::Request(format!("it is no request of the channel: {error}")))
    }

    pub(crate) fn storage(message: String) -> Self {
        Self(Kind::Storage(message))
    }

    pub(crate) fn too_big(bytes: usize, limit: usize) -> Self {
        Self(Kind::Request(format!("the request has {bytes} bytes, {limit} at most are sent")))
    }

    pub(crate) fn closed() -> Self {
        Self(Kind::Closed)
    }

    /// An address or a setting does not fit.
    pub fn is_configuration(&self) -> bool {
        matches!(self.0, Kind::Configuration(_))
    }

    /// Why the first connection did not come about, if that is the error.
    pub fn disconnect(&self) -> Option<&Disconnect> {
        match &self.0 {
            Kind::Unreachable(why) => Some(why),
            _ => None,
        }
    }

    /// A request has a value that has no canonical form, so it can have no topic; or it is larger
    /// than [what is sent](crate::Builder::send_bytes).
    pub fn is_request(&self) -> bool {
        matches!(self.0, Kind::Request(_))
    }

    /// The storage could not be read.
    pub fn is_storage(&self) -> bool {
        matches!(self.0, Kind::Storage(_))
    }

    /// The client was closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.0, Kind::Closed)
    }
}

impl From<TopicError> for Error {
    fn from(error: TopicError) -> Self {
        Self(Kind::Request(error.to_string()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Configuration(message) | Kind::Request(message) => f.write_str(message),
            Kind::Storage(message) => write!(f, "subscriptions cannot be restored: {message}"),
            Kind::Unreachable(why) => why.fmt(f),
            Kind::Closed => f.write_str("the client was closed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Unreachable(why) => Some(why),
            Kind::Configuration(_) | Kind::Request(_) | Kind::Storage(_) | Kind::Closed => None,
        }
    }
}

/// Why a request has no reply.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # #[topicast::data]
/// # struct PlaceOrder { symbol: String }
/// # #[topicast::data]
/// # struct Placed { number: u64 }
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use topicast_client::RequestError;
///
/// match client.request::<Placed>("orders.place", &PlaceOrder { symbol: "AAPL".into() }).await {
///     Ok(placed) => println!("order {}", placed.number),
///     Err(RequestError::Refused(why)) => println!("no: {why}"),
///     Err(error) if error.is_unknown() => println!("ask the server what became of it: {error}"),
///     Err(error) => println!("{error}; it may be sent again: {}", error.is_retryable()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The server said no. Nothing was done; whether it may be asked again, the refusal tells.
    Refused(Refusal),
    /// The server does not understand the request. It was not and will not be repeated.
    Fault(Refusal),
    /// **It may have been carried out or not**: it was sent, and the answer did not come.
    Unknown(Doubt),
    /// It was certainly not carried out: it never left this client.
    NotSent(NotSent),
    /// It was carried out, but the reply is not of the expected type.
    Unreadable(Unreadable),
    /// The payload does not serialize; nothing was sent.
    Payload(String),
}

/// Why it is not known what became of a request.
///
/// ```
/// use topicast_client::{Doubt, RequestError};
///
/// let error = RequestError::Unknown(Doubt::TimedOut);
/// assert!(error.is_unknown() && !error.is_retryable());
/// assert_eq!(error.to_string(), "no answer in time; it may have been carried out");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// No answer came in time.
    TimedOut,
    /// The connection ended first.
    Disconnected(Disconnect),
    /// The client was closed first.
    Closed,
}

/// Why a request was not sent.
///
/// ```
/// use topicast_client::{NotSent, RequestError};
///
/// let error = RequestError::NotSent(NotSent::QueueFull { limit: 256 });
/// assert!(error.is_retryable());
/// assert_eq!(error.to_string(), "not sent: 256 requests wait already, which is the limit");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSent {
    /// As many requests as may wait for a connection are waiting.
    QueueFull {
        /// How many that is.
        limit: usize,
    },
    /// The message is larger than [the limit](crate::Builder::send_bytes).
    TooBig {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// There was no connection in time.
    TimedOut,
    /// The client was closed.
    Closed,
}

impl RequestError {
    /// Whether the request may have been carried out, though nobody knows.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether the same request may succeed later, and cannot be carried out twice by
    /// sending it again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_retryable(),
            Self::NotSent(NotSent::QueueFull { .. } | NotSent::TimedOut) => true,
            _ => false,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Fault(refusal) => write!(f, "not understood: {refusal}"),
            Self::Unknown(Doubt::TimedOut) => f.write_str("no answer in time; it may have been carried out"),
            Self::Unknown(Doubt::Disconnected(why)) => write!(f, "{why}; it may have been carried out"),
            Self::Unknown(Doubt::Closed) => f.write_str("the client was closed; it may have been carried out"),
            Self::NotSent(NotSent::QueueFull { limit }) => {
                write!(f, "not sent: {limit} requests wait already, which is the limit")
            }
            Self::NotSent(NotSent::TooBig { bytes, limit }) => {
                write!(f, "not sent: the message has {bytes} bytes, {limit} at most are sent")
            }
            Self::NotSent(NotSent::TimedOut) => f.write_str("not sent: there was no connection in time"),
            Self::NotSent(NotSent::Closed) => f.write_str("not sent: the client was closed"),
            Self::Unreadable(unreadable) => write!(f, "the reply is not of the expected type: {}", unreadable.error),
            Self::Payload(error) => write!(f, "the payload does not serialize: {error}"),
        }
    }
}

impl std::error::Error for RequestError {}
