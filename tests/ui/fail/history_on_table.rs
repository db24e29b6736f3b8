//! A history of a channel that keeps its rows.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, history(age = "5m"), table(key = id))]
struct Orders {}

fn main() {
    let _ = topicast::channels![Orders];
}
