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

/// Sent to everybody.
#[topicast::ws_push("notice")]
pub struct Notice {
    pub text: String,
}

fn main() {
    let bars = Bars { symbol: "AAPL".into() };
    let orders = Orders { account_id: "A".into() };
    let _ = (topicast::topic_of(&bars), topicast::topic_of(&orders));
    let _ = (Bar { close: 1.0 }, <Notice as topicast::Push>::NAME, Notice { text: "t".into() });
}
