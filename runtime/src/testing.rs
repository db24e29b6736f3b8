//! Tools to test your channels: in-memory connections, a controlled clock, slow readers and cut
//! connections.
//!
//! Enable the feature `testing` in `[dev-dependencies]`:
//!
//! ```
//! # use topicast::{Server, testing::{Client, Clock}};
//! # #[topicast::data]
//! # #[derive(Debug, PartialEq)]
//! # pub struct Bar { close: f64 }
//! #[topicast::ws_router(route = "bars", update = Bar)]
//! pub struct Bars {
//!     pub symbol: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Clock::pause();
//! let ws = Server::builder("Test", "1.0.0").channels(topicast::channels![Bars]).build()?;
//! let aapl = Bars { symbol: "AAPL".into() };
//!
//! let mut client = Client::connect(&ws).await?;
//! client.subscribe(&aapl).await;
//! ws.publisher::<Bars>()?.topic(&aapl)?.publish(&Bar { close: 150.5 })?;
//! assert_eq!(client.update::<Bars, Bar>().await, Bar { close: 150.5 });
//!
//! clock.advance(std::time::Duration::from_secs(61)).await;
//! # let _ = ws.connections();
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] reads only while the test waits for a message. Otherwise it is a slow reader,
//! and [`Connect::socket_bytes`] limits how much its socket buffers meanwhile. Dropping a client
//! cuts the connection: the stream ends without a close.
//!
//! A wait for a message that does not arrive panics after [`Connect::wait_limit`]. The panic names
//! the awaited message and lists the messages that the client received. The limit is real time
//! even if the clock is paused, so that a test can wait for an event an hour later.

use std::time::Duration;

mod connect;
mod client;
mod follow;
mod received;
mod reply;
mod wait;

pub use client::{Client, Closed};
pub use connect::Connect;
pub use reply::Subscribed;

/// The paused clock of a test. It moves when [`advance`](Self::advance) is called or when every
/// task waits.
///
/// This is tokio's paused clock, so the test needs a `current_thread` runtime. Use it with
/// in-memory connections only: over a real socket a paused clock jumps while bytes are in
/// transit.
///
/// ```
/// # #[topicast::data]
/// # #[derive(Debug, PartialEq)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let ws = topicast::Server::builder("Test", "1.0.0").channels(topicast::channels![Bars]).build()?;
/// use std::time::Duration;
/// use topicast::testing::{Client, Clock};
///
/// let clock = Clock::pause();
/// let mut client = Client::connect(&ws).await?;
/// // An hour passes at once, but for the client's answers to pings.
/// clock.advance(Duration::from_secs(3601)).await;
/// assert_eq!(client.closed().await.code, 1003);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Clock;

impl Clock {
    /// Pauses the clock of the current runtime.
    ///
    /// # Panics
    /// Outside a `current_thread` runtime, and when the clock is already paused.
    pub fn pause() -> Self {
        tokio::time::pause();
        Self
    }

    /// Advances the clock and fires the timers that become due on the way.
    pub async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }
}
