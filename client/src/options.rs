//! The options of a subscription, typed by the kind of its channel.

use std::marker::PhantomData;

use topicast::{
    __private::KindFragment,
    Channel,
    kind::{Events, Kind, Latest, Table},
};

use crate::{buffer::Buffering, error::Error, position::Position, state::SubscribeOptions};

/// The bounds of `rewind`.
const REWIND: std::ops::RangeInclusive<u32> = 1..=1_000;

/// The bounds of `max_rate`, in updates per second.
const MAX_RATE: std::ops::RangeInclusive<f64> = 0.1..=1_000.0;

/// The options of a subscription to a channel of the kind `K`.
///
/// All subscriptions of a client to one topic share one subscription on the wire. So what one of
/// them sets here beyond its buffering, another one may leave open or repeat, but not contradict.
///
/// ```no_run
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Quote { bid: f64 }
/// # #[topicast::ws_router(route = "quotes", update = Quote, latest)]
/// # pub struct Quotes { symbol: String }
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Trade { price: f64 }
/// # #[topicast::ws_router(route = "trades", update = Trade, history(count = 1000))]
/// # pub struct Trades { symbol: String }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use topicast_client::{Buffering, Options};
///
/// // A price on a screen need not change more than four times a second.
/// let quotes = client.subscribe_with(&Quotes { symbol: "AAPL".into() }, Options::new().max_rate(4.0))?;
/// // The list of trades starts with the last fifty.
/// let trades = client.subscribe_with(
///     &Trades { symbol: "AAPL".into() },
///     Options::new().rewind(50).buffering(Buffering { capacity: 100_000, ..Buffering::default() }),
/// )?;
/// # Ok(())
/// # }
/// ```
///
/// An option that the kind does not have is not there:
///
/// ```compile_fail
/// let options = topicast_client::Options::<topicast::kind::Latest>::new().rewind(50);
/// ```
#[derive(Debug, Clone)]
pub struct Options<K> {
    pub(crate) buffering: Buffering,
    pub(crate) start: SubscribeOptions,
    kind: PhantomData<fn(K)>,
}

/// A kind whose updates happened one after the other, so that past ones can be sent.
///
/// ```
/// use topicast::kind::Events;
/// use topicast_client::{Options, Replays};
///
/// fn with_history<K: Replays>() -> Options<K> {
///     Options::new().rewind(50)
/// }
/// with_history::<Events>();
/// ```
#[diagnostic::on_unimplemented(
    message = "a channel of the kind `{Self}` has no past updates",
    label = "only events can be replayed",
    note = "a subscription to a `latest` or `table` channel starts with the current state by itself"
)]
pub trait Replays: Kind {}

impl Replays for Events {}

/// A kind whose updates describe a state, so that one can stand for several.
///
/// ```
/// use topicast::kind::{Latest, Table};
/// use topicast_client::{Merges, Options};
///
/// fn for_a_screen<K: Merges>() -> Options<K> {
///     Options::new().max_rate(4.0)
/// }
/// for_a_screen::<Latest>();
/// for_a_screen::<Table>();
/// ```
#[diagnostic::on_unimplemented(
    message = "the updates of a channel of the kind `{Self}` cannot be merged",
    label = "only `latest` and `table` channels have a rate",
    note = "receive all events and choose among them, for example with `Buffering::latest()`, or declare the channel with `latest` or `table(key = …)`"
)]
pub trait Merges: Kind {}

impl Merges for Latest {}
impl Merges for Table {}

impl<K> Default for Options<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> From<Buffering> for Options<K> {
    fn from(buffering: Buffering) -> Self {
        Self::new().buffering(buffering)
    }
}

impl<K> Options<K> {
    /// Returns the default options.
    pub fn new() -> Self {
        Self { buffering: Buffering::default(), start: SubscribeOptions::default(), kind: PhantomData }
    }

    /// Sets the buffering of the stream.
    #[must_use]
    pub fn buffering(mut self, buffering: Buffering) -> Self {
        self.buffering = buffering;
        self
    }

    /// Starts with up to this many past updates, 1 to 1,000, if the server still has them. The
    /// channel must be declared with `history`.
    #[must_use]
    pub fn rewind(mut self, updates: u32) -> Self
    where
        K: Replays,
    {
        self.start.rewind = Some(updates);
        self
    }

    /// Starts behind a [position](crate::Subscription::position) that a former run of the program
    /// has stored. Where the server cannot continue there, a [gap](crate::Item::Gap) says so.
    #[must_use]
    pub fn recover(mut self, position: Position) -> Self
    where
        K: Replays,
    {
        self.start.recover = Some(position);
        self
    }

    /// Limits the updates per second, 0.1 to 1,000. The server merges the updates in between.
    #[must_use]
    pub fn max_rate(mut self, updates_per_second: f64) -> Self
    where
        K: Merges,
    {
        self.start.max_rate = Some(updates_per_second);
        self
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Returns an error that names the option and what is allowed.
    pub(crate) fn check<C: Channel>(&self) -> Result<(), Error> {
        let SubscribeOptions { rewind, max_rate, .. } = &self.start;
        if let Some(rewind) = rewind {
            if C::FRAGMENT.kind == (KindFragment::Events { history: None }) {
                let what = format!("rewind is {rewind}, but the channel {} is declared without history", C::ROUTE);
                return Err(Error::options(what));
            }
            if !REWIND.contains(rewind) {
                let (least, most) = (REWIND.start(), REWIND.end());
                return Err(Error::options(format!("rewind is {rewind}; {least} to {most} is allowed")));
            }
        }
        if let Some(rate) = max_rate.filter(|rate| !MAX_RATE.contains(rate)) {
            let (least, most) = (MAX_RATE.start(), MAX_RATE.end());
            return Err(Error::options(format!(
                "max_rate is {rate}; {least} to {most} updates per second are allowed"
            )));
        }
        Ok(())
    }
}
