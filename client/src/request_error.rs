//! Why a request has no reply.

use std::fmt;

use topicast::Refusal;

use crate::{disconnect::Disconnect, item::Unreadable};

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
    /// The server refused the request and did nothing. The refusal says whether it may succeed later.
    Refused(Refusal),
    /// The server does not understand the request. The client does not repeat it.
    Fault(Refusal),
    /// The request was sent and no reply arrived: **it may or may not have been carried out**.
    Unknown(Doubt),
    /// The request was never sent, so it was not carried out.
    NotSent(NotSent),
    /// The request was carried out, but the reply does not deserialize as the expected type.
    Unreadable(Unreadable),
    /// The payload does not serialize; the request was not sent.
    Payload(String),
}

/// Why the outcome of a request is unknown.
///
/// ```
/// use topicast_client::{Doubt, RequestError};
///
/// let error = RequestError::Unknown(Doubt::TimedOut);
/// assert!(error.is_unknown() && !error.is_retryable());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// No reply arrived in time.
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
/// assert!(error.to_string().contains("256"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSent {
    /// As many requests as [the limit](crate::Builder::queue) allows wait to be sent, or for their
    /// replies.
    QueueFull {
        /// The limit.
        limit: usize,
    },
    /// The message is larger than [the limit](crate::Builder::send_bytes).
    TooBig {
        /// The size of the message in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// There was no connection in time.
    TimedOut,
    /// The client was closed.
    Closed,
}

impl RequestError {
    /// Returns true if the outcome is unknown: the request may have been carried out.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Returns true if the same request may succeed later, and was certainly not carried out.
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
            Self::Unknown(Doubt::TimedOut) => f.write_str("no reply in time; the request may have been carried out"),
            Self::Unknown(Doubt::Disconnected(why)) => write!(f, "{why}; the request may have been carried out"),
            Self::Unknown(Doubt::Closed) => f.write_str("the client was closed; the request may have been carried out"),
            Self::NotSent(NotSent::QueueFull { limit }) => {
                write!(f, "not sent: {limit} requests are waiting, which is the limit")
            }
            Self::NotSent(NotSent::TooBig { bytes, limit }) => {
                write!(f, "not sent: the message has {bytes} bytes, more than the limit of {limit}")
            }
            Self::NotSent(NotSent::TimedOut) => f.write_str("not sent: there was no connection in time"),
            Self::NotSent(NotSent::Closed) => f.write_str("not sent: the client was closed"),
            Self::Unreadable(unreadable) => write!(f, "the reply is not of the expected type: {}", unreadable.error),
            Self::Payload(error) => write!(f, "the payload does not serialize: {error}"),
        }
    }
}

impl std::error::Error for RequestError {}
