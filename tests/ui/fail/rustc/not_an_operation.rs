//! Only operations and pushes can be listed as such, and for their own state.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

struct Other;

#[ws_operation("orders.place")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![Other; place];
    let _ = topicast::operations![App; Order];
}
