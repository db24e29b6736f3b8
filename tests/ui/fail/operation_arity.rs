//! An operation has one payload.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
async fn place(_: &Cx<'_, App>, _: Order, _: u32) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; place];
}
