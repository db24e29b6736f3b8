//! Every kind of declaration that clients share with the server.

#![deny(warnings)]

#[topicast::data]
pub struct Bar {
    pub close: f64,
}

/// Relayed.
#[topicast::ws_router(route = "bars", update = Bar)]
pub struct Bars {
    pub symbol: String,
}

/// Served: what serves it is the server's.
#[topicast::ws_router(route = "orders", update = Bar, served)]
pub struct Orders {
    pub account_id: String,
}

/// The current value.
#[topicast::ws_router(route = "quotes", update = Bar, latest, served)]
pub struct Quotes {}

/// A side of the book.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub enum Side {
    Bid,
    Ask,
}

/// A row.
#[topicast::data]
pub struct Level {
    pub side: Side,
    pub price: u64,
}

/// Rows by key.
#[topicast::ws_router(route = "orderbook", update = Level, table(key = (side, price), checksum))]
pub struct OrderBook {}

/// Sent to everybody.
#[topicast::ws_push("notice")]
pub struct Notice {
    pub text: String,
}

fn main() {
    let bars = Bars { symbol: "AAPL".into() };
    let orders = Orders { account_id: "A".into() };
    let key: (Side, u64) = <OrderBook as topicast::Tabular>::key(&Level { side: Side::Bid, price: 1 });
    let values = topicast::Key::values(&key).unwrap();
    let again = <(Side, u64) as topicast::Key>::from_values(values).unwrap();
    assert_eq!((again, topicast::topic_of(&Quotes {}).unwrap()), ((Side::Bid, 1), "quotes:{}".to_owned()));
    let _ = (Side::Ask, topicast::topic_of(&OrderBook {}));
    let _ = (topicast::topic_of(&bars), topicast::topic_of(&orders));
    let _ = (Bar { close: 1.0 }, <Notice as topicast::Push>::NAME, Notice { text: "t".into() });
}
