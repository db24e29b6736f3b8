//! How things stand: of one subscription, and of the connection.

use std::time::Duration;

use topicast::Refusal;

use crate::disconnect::Disconnect;

/// How a subscription stands.
///
/// ```no_run
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use topicast_client::Status;
///
/// let bars = client.subscribe(&Bars { symbol: "AAPL".into() })?;
/// match bars.status() {
///     Status::Live => println!("up to date"),
///     Status::Stale(why) => println!("out of date since the connection ended: {}", why.reason),
///     status => println!("{status:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Asked for, and not granted yet.
    Joining,
    /// Updates come as they are published.
    Live,
    /// The connection is lost and being restored; what came last may be out of date.
    Stale(Disconnect),
    /// The server said no for now, and will be asked again.
    Retrying(Refusal),
    /// The server said no for good; the stream has ended.
    Refused(Refusal),
    /// The client was closed; the stream has ended.
    Closed,
}

impl Status {
    /// Whether updates come as they are published.
    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }
}

/// How the connection stands.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use topicast_client::Connection;
///
/// match client.connection() {
///     Connection::Live => println!("connected"),
///     Connection::Waiting { why, after, .. } => println!("{}; the next attempt is in {after:?}", why.cause.name()),
///     state => println!("{state:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Connection {
    /// Being made.
    Connecting,
    /// Open.
    Live,
    /// Down; it is tried again after this time, counted from when it went down. What the server
    /// asks for is in it, within the client's bounds.
    Waiting {
        /// Why it is down.
        why: Disconnect,
        /// How many attempts have failed in a row, or how many connections were short-lived.
        failures: u32,
        /// The time until the next attempt.
        after: Duration,
    },
    /// Given up, for the server refused the client's token twice in a row; this is the last state.
    Stopped(Disconnect),
    /// Closed by its owner; this is the last state.
    Closed,
}

/// What happens to the connection as a whole.
///
/// ```
/// use topicast_client::{Connection, Event};
///
/// let is_an_alarm = |event: &Event| matches!(event, Event::Connection(Connection::Stopped(_)) | Event::Storage(_));
/// assert!(is_an_alarm(&Event::Storage("the disk is full".into())));
/// assert!(!is_an_alarm(&Event::Connection(Connection::Live)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection changed its state.
    Connection(Connection),
    /// The server could not understand a message and does not say which.
    Fault(Refusal),
    /// The server sent what is no message of the contract; it was passed over.
    Unreadable(String),
    /// The storage could not be read or written, or holds what cannot be subscribed to.
    Storage(String),
    /// The reader was too slow, and this many events were dropped.
    Lagged(u64),
}
