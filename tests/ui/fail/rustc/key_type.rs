//! Keys of types that keys cannot have.

#[topicast::data]
pub enum Side {
    Bid,
    Ask,
}

#[topicast::data]
#[derive(Debug, Clone)]
pub struct Price(f64);

#[topicast::data]
pub struct Level {
    pub price: f64,
    pub account: Option<String>,
    pub path: Vec<String>,
    pub side: Side,
    pub tick: Price,
    pub id: u64,
}

#[topicast::ws_router(route = "number", update = Level, table(key = price))]
struct Number {}

#[topicast::ws_router(route = "option", update = Level, table(key = (id, account)))]
struct Optional {}

#[topicast::ws_router(route = "vec", update = Level, table(key = path))]
struct List {}

#[topicast::ws_router(route = "enum", update = Level, table(key = side))]
struct NotClone {}

#[topicast::ws_router(route = "newtype", update = Level, table(key = tick))]
struct Newtype {}

fn main() {
    let _ = topicast::channels![Number, Optional, List, NotClone, Newtype];
}
