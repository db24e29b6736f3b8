//! Operations that clients share with the server; without the server their functions are left out.

#![deny(warnings)]

use topicast::Request;

#[topicast::data]
pub struct Order {
    pub symbol: String,
}

#[topicast::data]
pub struct Placed {
    pub number: u32,
}

/// Places an order.
#[topicast::ws_operation("orders.place", reply = "orders.place.response")]
pub async fn place(_: &topicast::Cx<'_>, order: Order) -> Result<Placed, topicast::Refusal> {
    Ok(Placed { number: u32::from(order.symbol.is_empty()) })
}

/// Has neither payload nor reply.
#[topicast::ws_operation("touch")]
pub async fn touch(_: &topicast::Cx<'_>) -> Result<(), topicast::Refusal> {
    Ok(())
}

fn main() {
    let order: <place as Request>::Payload = Order { symbol: "AAPL".into() };
    let placed: <place as Request>::Reply = Placed { number: 1 };
    let _: (<touch as Request>::Payload, <touch as Request>::Reply) = ((), ());
    let _ = (order, placed, place::NAME, place::REPLY, touch::NAME);
}
