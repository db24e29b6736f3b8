//! A key that names a field twice.

#[topicast::data]
struct Order {
    id: String,
    symbol: String,
}

#[topicast::ws_router(route = "orders", update = Order, table(key = (id, symbol, id)))]
struct Orders {}

#[topicast::ws_router(route = "a", update = Order, table(key = (id, r#id)))]
struct A {}

fn main() {
    let _ = topicast::channels![Orders];
}
