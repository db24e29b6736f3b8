//! Where the framework has another name, `crate = …` says which; nothing asks for `::topicast`.

#![deny(warnings)]

/// A crate that offers the framework as a part of itself.
pub mod platform {
    pub use framework as realtime;
}

use platform::realtime::{Cx, Refusal, channels, data, operations, topic_of, ws_operation, ws_push, ws_router};

pub struct App;

#[data(crate = crate::platform::realtime)]
#[derive(Default)]
pub enum Length {
    #[default]
    Minute,
    Day,
}

#[data(crate = platform::realtime)]
pub struct Bar {
    pub close: f64,
}

#[data(crate = platform::realtime)]
pub struct Page<T> {
    pub items: Vec<T>,
}

/// Bars.
#[ws_router(route = "bars", update = Page<Bar>, crate = crate::platform::realtime)]
pub struct Bars {
    pub length: Length,
    #[serde(default)]
    pub symbol: Option<String>,
}

#[ws_router(route = "orders", update = Bar, served, crate = framework)]
#[derive(Default)]
#[serde(default)]
pub struct Orders {
    pub account: String,
}

impl platform::realtime::Serve<App> for Orders {}

#[ws_router(route = "beats", update = Bar, crate = platform::realtime)]
pub struct Beats;

#[data(crate = platform::realtime)]
pub struct Level {
    pub symbol: String,
    pub price: u64,
}

#[ws_router(route = "levels", update = Level, table(key = (symbol, price)), crate = platform::realtime)]
pub struct Levels {}

#[ws_router(route = "best", update = Level, latest, crate = crate::platform::realtime)]
pub struct Best {}

#[ws_push("notice", crate = platform::realtime)]
pub struct Notice {
    pub text: String,
}

#[ws_operation("orders.place", reply = "orders.place.response", crate = crate::platform::realtime)]
async fn place(_: &Cx<'_, App>, order: Bar) -> Result<Bar, Refusal> {
    Ok(order)
}

fn main() {
    let bars = Bars { length: Length::Day, symbol: None };
    assert_eq!(topic_of(&bars).unwrap(), r#"bars:{"length":"Day","symbol":""}"#);
    assert_eq!(topic_of(&Orders::default()).unwrap(), r#"orders:{"account":""}"#);
    assert_eq!(topic_of(&Beats).unwrap(), "beats:{}");
    let server = framework::Server::builder("Renamed", "1")
        .state(App)
        .channels(channels![crate = crate::platform::realtime; App; Bars, Orders, Beats, Levels, Best])
        .operations(operations![crate = platform::realtime; App; place, Notice])
        .build()
        .unwrap();
    server
        .publisher::<Bars>()
        .unwrap()
        .topic(&bars)
        .unwrap()
        .publish(&Page { items: vec![Bar { close: 1.0 }] })
        .unwrap();
    let _ = Notice { text: String::new() };
    let _ = channels![crate = framework; Bars];
}
