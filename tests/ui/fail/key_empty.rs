//! A key without fields.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, table(key = ()))]
struct Orders {}

fn main() {
    let _ = topicast::channels![Orders];
}
