//! An operation has no parameters.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
async fn place<T>(_: &Cx<'_, T>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("orders.cancel")]
async fn cancel<'a>(_: &Cx<'a, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("orders.any")]
async fn any(_: &Cx<'_, App>, _: impl topicast::serde::de::DeserializeOwned) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; place, cancel, any];
}
