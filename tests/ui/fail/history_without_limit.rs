//! A history without a limit.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, history())]
struct Orders {}

fn main() {
    let _ = topicast::channels![Orders];
}
