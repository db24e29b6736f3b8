//! Names that the framework answers to itself.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("ping")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("status", reply = "error")]
async fn status(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[topicast::ws_push("ping.response")]
struct Pong {}

fn main() {
    let _ = topicast::operations![App; place, status, Pong];
}
