//! The future of an operation moves between threads.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("orders.place")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    let held = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(held);
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; place];
}
