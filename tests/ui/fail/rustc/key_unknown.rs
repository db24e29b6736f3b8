//! A key that names no field of the row.

#[topicast::data]
#[serde(rename_all = "camelCase")]
pub struct Order {
    pub order_id: String,
    pub symbol: String,
    #[cfg(any())]
    pub absent: String,
    pub r#type: u8,
}

#[topicast::data]
pub struct Empty {}

#[topicast::ws_router(route = "orders", update = Order, table(key = orderId))]
struct Orders {}

#[topicast::ws_router(route = "absent", update = Order, table(key = (symbol, absent, id)))]
struct Absent {}

#[topicast::ws_router(route = "empty", update = Empty, table(key = id))]
struct Nothing {}

fn main() {
    let _ = topicast::channels![Orders, Absent, Nothing];
}
