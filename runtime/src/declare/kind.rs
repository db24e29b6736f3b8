//! The kind of a channel: what an update means.

/// The kind of a channel, as its declaration gives it.
///
/// | kind | declared as | an update is |
/// | --- | --- | --- |
/// | [`Events`] | `update = Trade` | something that happened |
/// | [`Latest`] | `update = Quote, latest` | the new current value |
/// | [`Table`] | `update = Order, table(key = id)` | rows that changed or were removed |
///
/// | subscriber | [`Events`] | [`Latest`] | [`Table`] |
/// | --- | --- | --- | --- |
/// | new | a snapshot from the application's hook, if it has one | the value, if there is one | all rows |
/// | slow | is disconnected, or misses the oldest updates ([`SlowConsumer`](crate::SlowConsumer)) | receives the newest value | receives all changes merged into one |
/// | returning | receives what it missed while the history covers it | receives the value if it is newer | receives the changes merged, or all rows |
///
/// Use it to bound code that works for some kinds only:
///
/// ```
/// use topicast::{Channel, kind};
///
/// #[topicast::data]
/// pub struct Quote { pub price: f64 }
///
/// #[topicast::ws_router(route = "quotes", update = Quote, latest)]
/// pub struct Quotes { pub symbol: String }
///
/// fn route_of_a_value<C: Channel<Kind = kind::Latest>>() -> &'static str {
///     C::ROUTE
/// }
/// assert_eq!(route_of_a_value::<Quotes>(), "quotes");
/// ```
pub trait Kind: sealed::Sealed + Send + Sync + 'static {}

/// A channel whose updates are things that happened, such as trades.
#[derive(Debug)]
pub enum Events {}

/// A channel whose update is the new current value, such as a quote. Declared with `latest`.
#[derive(Debug)]
pub enum Latest {}

/// A channel whose state is rows by key, such as orders. Declared with `table(key = …)`.
#[derive(Debug)]
pub enum Table {}

impl Kind for Events {}
impl Kind for Latest {}
impl Kind for Table {}

/// A kind whose updates are published one by one: [`Events`] and [`Latest`].
#[diagnostic::on_unimplemented(
    message = "updates of this channel are not published one by one",
    label = "the channel is a table",
    note = "change the rows of a table with `update(|rows| …)`, or set all of them with `replace(rows)`"
)]
pub trait Publishes: Kind {}

impl Publishes for Events {}
impl Publishes for Latest {}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Events {}
    impl Sealed for super::Latest {}
    impl Sealed for super::Table {}
}
