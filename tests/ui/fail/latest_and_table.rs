//! Two kinds for one channel.

#[topicast::data]
struct Order {
    id: String,
    price: f64,
}

#[topicast::ws_router(route = "orders", update = Order, latest, table(key = id))]
struct Orders {}

fn main() {
    let _ = topicast::channels![Orders];
}
