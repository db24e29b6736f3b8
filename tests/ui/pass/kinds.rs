//! Channels of every kind, with their keys and their hooks.

#![deny(warnings)]

use topicast::{Channel, Cx, Key as _, Refusal, Serve, Tabular, channels, data, kind, topic_of, ws_router};

pub struct App {
    price: f64,
}

#[data]
#[derive(Debug, Clone, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Bid,
    Ask,
}

/// A price that is a multiple of the tick.
#[data]
#[derive(Debug, Clone, PartialEq)]
pub struct Price(f64);

impl topicast::KeyField for Price {}

#[data]
#[serde(rename_all = "camelCase")]
pub struct Level {
    #[cfg(any())]
    absent: Absent,
    pub side: Side,
    #[serde(rename = "px")]
    pub price: Price,
    pub order_count: u32,
    pub r#type: String,
    /// Of a type that is less visible than the struct.
    #[serde(default)]
    note: Note,
}

#[data]
#[derive(Default)]
struct Note(String);

/// A row that is generic.
#[data]
pub struct Of<T> {
    id: String,
    pub value: T,
}

#[ws_router(route = "trades", update = Level, history(count = 1000, age = "5m"))]
pub struct Trades {}

#[ws_router(route = "prints", update = Level, history(age = "500ms"), served)]
pub struct Prints {}

#[ws_router(route = "bars", update = Level, history(count = 1))]
pub struct Bars {}

#[ws_router(route = "quotes", update = Level, latest, served)]
pub struct Quotes {
    pub symbol: String,
}

#[ws_router(route = "orderbook", update = Level, table(key = (side, price), checksum), served)]
pub struct OrderBook {
    pub symbol: String,
}

#[ws_router(route = "counts", update = Level, table(key = (order_count, type, side, price,)))]
pub struct Counts {}

#[ws_router(route = "values", update = Of<Side>, table(key = id))]
pub struct Values {}

#[ws_router(route = "one", update = Of<Side>, table(checksum, key = (id)))]
pub struct One {}

mod elsewhere {
    /// Its fields are private, and their types are not.
    #[topicast::data]
    #[derive(Default)]
    pub struct Order {
        id: u64,
        account: String,
    }
}

#[ws_router(route = "orders", update = elsewhere::Order, table(key = (account, id)))]
pub struct Orders {}

fn level(price: f64) -> Level {
    Level { side: Side::Bid, price: Price(price), order_count: 2, r#type: "limit".into(), note: Note::default() }
}

impl Serve<App> for Prints {
    async fn snapshot(&self, cx: &Cx<'_, App>) -> Result<Option<Level>, Refusal> {
        Ok(Some(level(cx.state().price)))
    }
}

impl Serve<App> for Quotes {
    async fn authorize(&self, cx: &Cx<'_, App>) -> Result<(), Refusal> {
        if cx.state().price > 0.0 { Ok(()) } else { Err(Refusal::unknown_symbol(self.symbol.clone())) }
    }

    async fn snapshot(&self, state: &App) -> Result<Option<Level>, Refusal> {
        Ok(Some(level(state.price)))
    }
}

impl Serve<App> for OrderBook {
    async fn snapshot(&self, state: &App) -> Result<Vec<Level>, Refusal> {
        Ok(vec![level(state.price)])
    }
}

/// The default hook, for any state.
impl<S: Send + Sync + 'static> Serve<Vec<S>> for OrderBook {}

fn is<C: Channel<Kind = K>, K: kind::Kind>() {}

/// Returns the key of a row as JSON, and the kind as the documents have it.
fn key<C: Tabular>(row: &C::Update) -> (String, String) {
    let values = C::key(row).values().unwrap();
    let again = <C::Key as topicast::Key>::from_values(values.clone()).unwrap();
    assert_eq!(again.values().unwrap(), values);
    (serde_json::to_string(&values).unwrap(), format!("{:?}", C::FRAGMENT.kind))
}

fn main() {
    is::<Trades, kind::Events>();
    is::<Quotes, kind::Latest>();
    is::<Counts, kind::Table>();

    let kind = |fragment: &topicast::__private::Fragment| format!("{:?}", fragment.kind);
    let history = |count: &str, age: &str| {
        format!("Events {{ history: Some(HistoryFragment {{ count: {count}, age_ms: {age} }}) }}")
    };
    assert_eq!(kind(Trades::FRAGMENT), history("Some(1000)", "Some(300000)"));
    assert_eq!(kind(Prints::FRAGMENT), history("None", "Some(500)"));
    assert_eq!(kind(Bars::FRAGMENT), history("Some(1)", "None"));
    assert_eq!(kind(Quotes::FRAGMENT), "Latest");

    let (values, kind) = key::<OrderBook>(&level(0.1));
    assert_eq!(values, r#"["bid",0.1]"#);
    assert_eq!(kind, r#"Table { key: ["side", "px"], checksum: true }"#);
    let (values, kind) = key::<Counts>(&level(0.5));
    assert_eq!(values, r#"[2,"limit","bid",0.5]"#);
    assert_eq!(kind, r#"Table { key: ["orderCount", "type", "side", "px"], checksum: false }"#);
    let value = Of { id: "a".into(), value: Side::Ask };
    assert_eq!(key::<Values>(&value).0, r#"["a"]"#);
    assert_eq!(key::<One>(&value).1, r#"Table { key: ["id"], checksum: true }"#);
    assert_eq!(key::<Orders>(&elsewhere::Order::default()).0, r#"["",0]"#);
    let typed: (Side, Price) = OrderBook::key(&level(0.1));
    assert_eq!(typed, (Side::Bid, Price(0.1)));

    assert_eq!(topic_of(&Quotes { symbol: "AAPL".into() }).unwrap(), r#"quotes:{"symbol":"AAPL"}"#);
    let list = channels![App; Trades, Prints, Bars, Quotes, OrderBook, Counts, Values, One, Orders];
    topicast::Server::builder("Kinds", "1").state(App { price: 0.5 }).channels(list).build().unwrap();
    topicast::Server::builder("Kinds", "1").state(vec![1]).channels(channels![Vec<i32>; OrderBook]).build().unwrap();
}
