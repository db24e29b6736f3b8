//! Tests of your own channels: an in-memory connection, a clock to move, a slow reader, a cut.
//!
//! With the feature `testing`, for `[dev-dependencies]`:
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
//! A [`Client`] reads only when it is asked for a message. One that is not asked is a slow
//! reader, and [`Connect::socket_bytes`] says how much its socket takes meanwhile. Dropping
//! a client is a cut: the server sees the stream end without a close.
//!
//! A wait for a message that does not come ends with a panic that names what was awaited and
//! lists what was received; [`Connect::wait_limit`] says after how long. The limit is real time
//! even if the clock is paused, so that a test can wait for what happens an hour later.

use std::time::Duration;

mod connect;
mod client;
mod received;
mod reply;
mod wait;

pub use client::{Client, Closed};
pub use connect::Connect;
pub use reply::Subscribed;

/// The time of a test: it stands still, and moves when told or when everything waits.
///
/// tokio's paused clock, so the test needs a `current_thread` runtime. Use it with
/// in-memory connections only: over a real socket a paused clock jumps while bytes are
/// on their way.
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
    /// Stops the clock of the current runtime.
    ///
    /// # Panics
    /// Outside a `current_thread` runtime, and when it is stopped already.
    pub fn pause() -> Self {
        tokio::time::pause();
        Self
    }

    /// Moves the clock, firing what is due on the way.
    pub async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }
}
