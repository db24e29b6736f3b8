//! Arguments of `latest` and `table` that are unknown, repeated or malformed.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, table(key = id, checksums))]
struct Orders {}

#[topicast::ws_router(route = "a", update = Order, table(key = id, key = price))]
struct A {}

#[topicast::ws_router(route = "b", update = Order, table = id)]
struct B {}

#[topicast::ws_router(route = "c", update = Order, table)]
struct C {}

#[topicast::ws_router(route = "d", update = Order, latest = true)]
struct D {}

#[topicast::ws_router(route = "e", update = Order, table(key = "id"))]
struct E {}

#[topicast::ws_router(route = "f", update = Order, table(key = id, checksum = true))]
struct F {}

#[topicast::ws_router(route = "g", update = Order, table(key = (id, order.price)))]
struct G {}

fn main() {
    let _ = topicast::channels![Orders];
}
