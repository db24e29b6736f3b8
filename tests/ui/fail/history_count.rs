//! A history of a number of updates that cannot be.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, history(count = 0))]
struct Orders {}

#[topicast::ws_router(route = "a", update = Order, history(count = -1))]
struct A {}

#[topicast::ws_router(route = "b", update = Order, history(count = 4294967296))]
struct B {}

fn main() {
    let _ = topicast::channels![Orders];
}
