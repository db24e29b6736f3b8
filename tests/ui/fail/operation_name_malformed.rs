//! A name is made of parts joined by dots.

use topicast::{Cx, Refusal, ws_operation};

struct App;

#[topicast::data]
struct Order {
    symbol: String,
}

#[ws_operation("")]
async fn place(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("orders..place")]
async fn empty_part(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("Orders.place")]
async fn capital(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("orders.2")]
async fn digit(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("orders place")]
async fn space(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

#[ws_operation("orders.place", reply = "orders:placed")]
async fn reply(_: &Cx<'_, App>, _: Order) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let _ = topicast::operations![App; place, empty_part];
}
