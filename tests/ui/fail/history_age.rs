//! A history of an age that is malformed.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, history(age = "5 minutes"))]
struct Orders {}

#[topicast::ws_router(route = "a", update = Order, history(age = ""))]
struct A {}

#[topicast::ws_router(route = "b", update = Order, history(age = "0s"))]
struct B {}

#[topicast::ws_router(route = "c", update = Order, history(age = "1.5h"))]
struct C {}

#[topicast::ws_router(route = "d", update = Order, history(age = "99999999999999999h"))]
struct D {}

fn main() {
    let _ = topicast::channels![Orders];
}
