//! An operation refuses with a `Refusal`.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), String> {
    let _ = Refusal::internal("");
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; place];
}
