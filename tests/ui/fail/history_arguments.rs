//! Arguments of `history` that are unknown, repeated or malformed.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, history(size = 10))]
struct Orders {}

#[topicast::ws_router(route = "a", update = Order, history(count = 1, count = 2))]
struct A {}

#[topicast::ws_router(route = "b", update = Order, history = 10)]
struct B {}

#[topicast::ws_router(route = "c", update = Order, history)]
struct C {}

#[topicast::ws_router(route = "d", update = Order, history(10))]
struct D {}

#[topicast::ws_router(route = "e", update = Order, history(count = "10"))]
struct E {}

#[topicast::ws_router(route = "f", update = Order, history(age = 5m))]
struct F {}

fn main() {
    let _ = topicast::channels![Orders];
}
