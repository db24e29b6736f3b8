//! A table without a key.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, table())]
struct Orders {}

#[topicast::ws_router(route = "a", update = Order, table(checksum))]
struct A {}

fn main() {
    let _ = topicast::channels![Orders];
}
