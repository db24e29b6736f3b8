//! A payload and a reply whose types lack what is needed.

use topicast::{Cx, Refusal, ws_operation};

struct App;
struct Order;
struct Placed;

#[ws_operation("orders.place", reply = "orders.place.response")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<Placed, Refusal> {
    Ok(Placed)
}

fn main() {
    let _ = topicast::operations![App; place];
}
