//! The status of a subscription.

use topicast::Refusal;

use crate::disconnect::Disconnect;

/// The status of a subscription.
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
    /// The server has not accepted the subscription yet.
    Joining,
    /// Updates arrive as they are published.
    Live,
    /// The connection is down and being restored; the latest update may be out of date.
    Stale(Disconnect),
    /// The server refused for now, and the client will retry.
    Retrying(Refusal),
    /// The server refused for good; the stream has ended.
    Refused(Refusal),
    /// The client was closed; the stream has ended.
    Closed,
}

impl Status {
    /// Returns true if updates arrive as they are published.
    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }
}
