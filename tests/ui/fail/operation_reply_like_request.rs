//! A reply with the name of its request.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place", reply = "orders.place")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; place];
}
