//! A key of more fields than a key can have.

#[topicast::data]
struct Order {
    id: String,
    symbol: String,
}

#[topicast::ws_router(route = "orders", update = Order, table(key = (id, symbol, side, kind, day)))]
struct Orders {}

fn main() {
    let _ = topicast::channels![Orders];
}
