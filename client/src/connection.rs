//! The state of the connection, and the events of the client as a whole.

use std::time::Duration;

use topicast::Refusal;

use crate::{
    buffer::{Buffered, Loss},
    disconnect::Disconnect,
};

/// The state of the connection.
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
    /// The client is connecting.
    Connecting,
    /// The connection is open.
    Live,
    /// The connection is down, and the client waits before the next attempt.
    Waiting {
        /// Why the connection is down.
        why: Disconnect,
        /// The number of attempts that failed, or of connections that were short-lived, in a row.
        failures: u32,
        /// The delay from the disconnect to the next attempt. It includes what the server asks
        /// for, within the client's bounds.
        after: Duration,
    },
    /// The client gave up because the server refused its token twice in a row. This state is final.
    Stopped(Disconnect),
    /// The client was closed. This state is final.
    Closed,
}

/// An event of the client as a whole.
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
    /// The server could not understand a message, and does not say which one.
    Fault(Refusal),
    /// The server sent a message that is not valid; the client ignores it.
    Unreadable(String),
    /// The server sent a message that violates the protocol: a number that cannot follow the last
    /// one, rows with a wrong checksum, or a change that cannot be applied. The text names the topic
    /// and what was wrong.
    ServerFault(String),
    /// The storage could not be read or written, or holds an entry that cannot be restored.
    Storage(String),
    /// The reader was too slow, and this many events were dropped.
    Lagged(u64),
}

impl Buffered for Event {
    fn loss(&self) -> Loss {
        Loss::Values(1)
    }

    fn replaces(&self, _: &Self) -> bool {
        false
    }
}
