//! An operation is no method.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

impl App {
    #[ws_operation("orders.place")]
    async fn place(&self, _: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
        Ok(())
    }
}

fn main() {}
