//! The attributes and the lists, with their documentation.

/// Declares a real-time channel: the struct is the request that clients subscribe with.
///
/// | argument | meaning |
/// | --- | --- |
/// | `route = "bars"` | The first part of the channel's topics and operations. Required. Lower-case letters, digits and hyphens, starting with a letter. |
/// | `update = Bar` | The type that subscribers receive: an event, a value, or a row of a table. Required. |
/// | `history(count = 1000, age = "5m")` | The channel keeps past events for returning clients: at most `count`, at most as old as `age`, or both. An age is a whole number and a unit: `"500ms"`, `"30s"`, `"5m"`, `"2h"`. |
/// | `latest` | An update is the new current value of its topic. |
/// | `table(key = id)` | A topic is a table of rows. `key` names the field of the row that identifies it, or up to four fields in parentheses: `key = (side, price)`. |
/// | `table(key = id, checksum)` | Messages also have a checksum of the table, which clients verify. |
/// | `served` | The channel implements [`Serve`](crate::Serve): who may subscribe, a snapshot, a feed. |
/// | `subject = "symbol"` | The field that replies echo. Default: the first. |
/// | `tags = ["datafeed"]` | Groups the channel in the documents. |
/// | `summary = "one line"` | A title for the documents; the description is the doc comment. |
/// | `derive = false` | Adds no derives. Default: those of serde and schemars that the struct lacks. |
/// | `crate = path` | The path of this crate, where it is not `::topicast`. |
///
/// # Examples
///
/// ```
/// use topicast::{Channel, Server, channels, data, ws_router};
///
/// #[data]
/// pub struct Bar { pub time: i64, pub close: f64 }
///
/// /// Bars of one symbol.
/// #[ws_router(route = "bars", update = Bar, tags = ["datafeed"])]
/// pub struct Bars { pub symbol: String, pub resolution: Option<u32> }
///
/// assert_eq!(Bars::ROUTE, "bars");
/// let server = Server::builder("Bars", "1.0.0").channels(channels![Bars]).build()?;
/// let aapl = Bars { symbol: "AAPL".into(), resolution: None };
/// let topic = server.publisher::<Bars>()?.topic(&aapl)?;
/// assert_eq!(topic.name(), r#"bars:{"resolution":"","symbol":"AAPL"}"#);
/// topic.publish(&Bar { time: 0, close: 150.5 })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Without `latest` and `table`, a channel is of the kind [`Events`](crate::kind::Events). The kind
/// determines what a new, a slow and a returning subscriber receive ([`kind`](crate::kind)), and the
/// functions of its [`Topic`](crate::Topic):
///
/// ```
/// use topicast::{Server, channels, data, ws_router};
///
/// #[data]
/// pub struct Trade { pub price: f64 }
///
/// #[ws_router(route = "trades", update = Trade, history(count = 1000, age = "5m"))]
/// pub struct Trades { pub symbol: String }
///
/// #[data]
/// pub struct Quote { pub bid: f64, pub ask: f64 }
///
/// #[ws_router(route = "quotes", update = Quote, latest)]
/// pub struct Quotes { pub symbol: String }
///
/// #[data]
/// #[derive(Debug, Clone)]
/// pub enum Side { Bid, Ask }
///
/// #[data]
/// pub struct Level { pub side: Side, pub ticks: u64, pub size: f64 }
///
/// #[ws_router(route = "orderbook", update = Level, table(key = (side, ticks), checksum))]
/// pub struct OrderBook { pub symbol: String }
///
/// let server = Server::builder("Market", "1.0.0").channels(channels![Trades, Quotes, OrderBook]).build()?;
/// let symbol = || "AAPL".to_owned();
/// let trades = server.publisher::<Trades>()?.topic(&Trades { symbol: symbol() })?;
/// trades.publish(&Trade { price: 150.5 })?;
/// let quotes = server.publisher::<Quotes>()?.topic(&Quotes { symbol: symbol() })?;
/// quotes.publish(&Quote { bid: 150.4, ask: 150.6 })?;
/// let book = server.publisher::<OrderBook>()?.topic(&OrderBook { symbol: symbol() })?;
/// book.update(|rows| {
///     rows.set(&Level { side: Side::Bid, ticks: 15_040, size: 3.0 })?;
///     rows.remove(&(Side::Ask, 15_050))
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is emitted
///
/// The struct with its derives; a constant with every wire name (`bars.subscribe`,
/// `bars.subscribe.response`, …, each a literal) and the documentation; and, for a server,
/// the functions `subscribe`, `unsubscribe` and `update` of this channel ([`Router`](crate::Router)), which
/// [`channels!`](crate::channels) lists. The logic is in the library, so a channel is at most 90 lines beside its
/// derives. A table also implements [`Tabular`](crate::Tabular), with the type of its key. A client's
/// build, without the feature `server`, has the struct, the constant and the key.
///
/// # Errors
///
/// The compiler reports all mistakes of a declaration at once, each at its place: an argument that is
/// unknown, repeated or malformed (the message lists those allowed); a route that is missing or
/// malformed; a struct that is generic, borrows or has unnamed fields; a subject that is not a
/// field, or is of a type that replies cannot echo; attributes of serde that would keep a field out of
/// the topic (`skip`, `flatten`, …); two fields with the same wire name; `latest` beside `table`, or
/// `history` beside either; a history without a limit, of zero updates, or of a malformed age; a key
/// that is missing, empty, longer than four fields, or that repeats a field. The compiler reports a
/// type that cannot be a field, an update, a row or part of a key where the declaration names it, and
/// a field that the row lacks together with the fields that it has.
pub use topicast_macros::ws_router;

/// Declares a plain operation: the function handles one message of a client.
///
/// The function is `async fn(&Cx<'_, App>, Payload) -> Result<Reply, Refusal>`, or the same without
/// a payload. With `Result<(), Refusal>` and no `reply`, the server sends no reply.
///
/// | argument | meaning |
/// | --- | --- |
/// | `"orders.place"` | The `type` of the message. Required. Parts joined by dots, each of lower-case letters, digits, hyphens and underscores, starting with a letter. |
/// | `reply = "orders.place.response"` | The `type` of the reply. Required if the function returns something. |
/// | `tags`, `summary`, `crate` | As for [`ws_router`](macro@crate::ws_router). |
///
/// # Examples
///
/// ```
/// use topicast::{Cx, Refusal, Request, Server, data, operations, ws_operation};
///
/// #[data]
/// pub struct Order { pub symbol: String, pub lots: u32 }
///
/// #[data]
/// pub struct Placed { pub number: u32 }
///
/// /// Places an order.
/// #[ws_operation("orders.place", reply = "orders.place.response", tags = ["trading"])]
/// pub async fn place(_: &Cx<'_>, order: Order) -> Result<Placed, Refusal> {
///     if order.lots == 0 { Err(Refusal::new("no_lots", "an order has at least one lot")) } else { Ok(Placed { number: 1 }) }
/// }
///
/// assert_eq!((place::NAME, place::REPLY), ("orders.place", Some("orders.place.response")));
/// Server::builder("Orders", "1.0.0").refusal_codes(["no_lots"]).operations(operations![place]).build()?;
/// # Ok::<(), topicast::Error>(())
/// ```
///
/// # What is emitted
///
/// The function unchanged, and a type of the same name that implements [`Request`](crate::Request):
/// the payload's type, the reply's type and the wire names, for clients. Without the feature
/// `server` the function is not compiled. In a crate that is built both ways, write `topicast::Cx`
/// in full, and put the imports that only the function needs inside it.
///
/// # Errors
///
/// A function that is not `async`, is generic, `unsafe` or a method, or has another signature; a
/// payload that borrows; a reply without a name, or with the request's name; a name that is malformed
/// or reserved (`ping`, `error`). The compiler reports an unsuitable type of a payload or a reply in
/// the signature.
pub use topicast_macros::ws_operation;

/// Declares a push: a message that the server sends unasked, to one
/// [session](crate::Session::push) or to [all](crate::Server::push).
///
/// | argument | meaning |
/// | --- | --- |
/// | `"notice"` | The `type` of the message. Required; as for [`ws_operation`](macro@crate::ws_operation). |
/// | `tags`, `summary`, `derive`, `crate` | As for [`ws_router`](macro@crate::ws_router). |
///
/// # Examples
///
/// ```
/// use topicast::{Push, Server, operations, ws_push};
///
/// /// An announcement to all clients.
/// #[ws_push("notice")]
/// pub struct Notice { pub text: String }
///
/// assert_eq!(Notice::NAME, "notice");
/// let server = Server::builder("Notices", "1.0.0").operations(operations![Notice]).build()?;
/// server.push(&Notice { text: "maintenance at noon".into() })?;
/// # Ok::<(), topicast::Error>(())
/// ```
///
/// # What is emitted
///
/// The item with its derives, a constant with its name and its documentation, and the row
/// that [`operations!`](crate::operations) lists.
///
/// # Errors
///
/// A name that is missing, malformed or reserved; a generic type, since a name stands for one type;
/// a union. The compiler reports a field whose type messages cannot carry at the field.
pub use topicast_macros::ws_push;

/// Derives the traits that updates, payloads, replies and the types within them require.
///
/// | argument | meaning |
/// | --- | --- |
/// | `derive = false` | Adds no derives. Default: those of serde and schemars that the item lacks. |
/// | `crate = path` | The path of this crate, where it is not `::topicast`. |
///
/// # Examples
///
/// ```
/// #[topicast::data]
/// #[derive(Debug, Clone, PartialEq)]
/// #[serde(rename_all = "camelCase")]
/// pub struct Order {
///     /// The buyer's account.
///     pub account_id: String,
///     pub side: Side,
/// }
///
/// #[topicast::data]
/// #[derive(Debug, Clone, PartialEq)]
/// pub enum Side { Buy, Sell }
///
/// let order = Order { account_id: "A".into(), side: Side::Buy };
/// assert_eq!(serde_json::to_string(&order)?, r#"{"accountId":"A","side":"Buy"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # What is emitted
///
/// The item with serde's `Serialize` and `Deserialize` and schemars' `JsonSchema`, derived by this
/// crate's paths, so that a crate needs no dependency on either. An enum of unit variants can also be
/// the [subject](crate::Subject) of a channel and, with `#[derive(Debug, Clone)]`, part of a table's
/// [key](crate::KeyField). A struct with named fields can be the row of a table: the expansion lists its
/// fields, so that `table(key = …)` finds them. A field cannot be part of a key if an attribute of serde
/// omits it or writes another value (`skip_serializing_if`, `flatten`, `with`, …), or if its type may be
/// less visible than the struct.
///
/// # Errors
///
/// A union. The compiler reports a field whose type messages cannot carry at the field, before the
/// errors of serde and schemars. A type of your own needs this attribute. A type of another crate
/// needs the feature of schemars for that crate (`chrono04`, `jiff02`, `uuid1`, …).
pub use topicast_macros::data;

/// Lists the channels of a server, for one state of the application.
///
/// `channels![App; Bars, Orders]` lists channels for the state `App`; without `App;` the state
/// is `()`. Begin with `crate = path;` if the path of this crate is not `::topicast`.
///
/// # Examples
///
/// ```
/// # pub struct App;
/// # #[topicast::data]
/// # pub struct Order { pub number: u32 }
/// #[topicast::ws_router(route = "orders", update = Order, served)]
/// pub struct Orders { pub account: String }
///
/// impl topicast::Serve<App> for Orders {}
///
/// let server = topicast::Server::builder("Orders", "1.0.0")
///     .state(App)
///     .channels(topicast::channels![App; Orders])
///     .build()?;
/// # Ok::<(), topicast::Error>(())
/// ```
///
/// # What is emitted
///
/// An expression of type [`Channels<App>`](crate::Channels): a constant row for each channel, with
/// the functions that its attribute emitted and the methods of its [`Serve<App>`](crate::Serve).
///
/// # Errors
///
/// A type that is not a channel; a channel that is declared `served` and does not implement
/// `Serve<App>`; a state that is not `Send + Sync`; two channels with the same route; a channel
/// that is listed twice.
pub use topicast_macros::channels;

/// Lists the operations and pushes of a server, for one state of the application.
///
/// The syntax is that of [`channels!`](crate::channels). The entries are functions with
/// [`ws_operation`](macro@crate::ws_operation) and types with [`ws_push`](macro@crate::ws_push).
///
/// # Examples
///
/// ```
/// use topicast::{Cx, Refusal, operations, ws_operation, ws_push};
///
/// pub struct App { open: bool }
///
/// #[ws_push("notice")]
/// pub struct Notice { pub text: String }
///
/// #[ws_operation("market.open", reply = "market.open.response")]
/// async fn market_open(cx: &Cx<'_, App>) -> Result<bool, Refusal> {
///     Ok(cx.state().open)
/// }
///
/// let server = topicast::Server::builder("Market", "1.0.0")
///     .state(App { open: true })
///     .operations(operations![App; market_open, Notice])
///     .build()?;
/// # Ok::<(), topicast::Error>(())
/// ```
///
/// # What is emitted
///
/// An expression of type [`Operations<App>`](crate::Operations): a constant row for each entry.
///
/// # Errors
///
/// A function without `#[ws_operation]`, or one whose context names another state; a type that is
/// not a push; two entries with the same name; an entry that is listed twice.
pub use topicast_macros::operations;
