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

#[ws_operation("orders.io")]
async fn io(_: &Cx<'_, App>) -> std::io::Result {
    Ok(())
}

fn refusal() -> Option<Refusal> {
    None
}

fn main() {
    let _ = topicast::operations![App; place, count];
}
