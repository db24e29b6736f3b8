//! A reply that has a type but no name.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
async fn place(_: &Cx<'_, App>, order: Order) -> Result<Order, Refusal> {
    Ok(order)
}

fn main() {
    let _ = topicast::operations![App; place];
}
