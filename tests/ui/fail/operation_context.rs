//! The first argument is the context.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("nothing")]
async fn nothing() -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("payload")]
async fn payload(_: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("owned")]
async fn owned(_: Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("mutable")]
async fn mutable(_: &mut Cx<'_, App>) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; nothing, payload, owned, mutable];
}
