//! An operation is a function.

use topicast::ws_operation;

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
struct Place {
    order: Order,
}

#[ws_operation("orders.cancel")]
mod cancel {}

fn main() {}
