//! A history of a channel that keeps only its value.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, latest, history(count = 10))]
struct Orders {}

fn main() {
    let _ = topicast::channels![Orders];
}
