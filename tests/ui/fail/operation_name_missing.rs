//! An operation without a name.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation(reply = "orders.place.response")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation]
async fn bare(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; place, bare];
}
