//! An operation returns a result.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
async fn place(_: &Cx<'_, App>, _: Order) {}

#[ws_operation("orders.count")]
async fn count(_: &Cx<'_, App>) -> u32 {
    0
}

fn main() {
    let _ = topicast::operations![App; place, count];
}
