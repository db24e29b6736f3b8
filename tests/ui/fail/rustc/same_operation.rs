//! Two operations of one list with one name.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("orders.place")]
async fn second(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[topicast::ws_push("orders.place")]
struct Placed {}

fn main() {
    let _ = topicast::operations![App; place, second];
    let _ = topicast::operations![App; place, Placed];
}
