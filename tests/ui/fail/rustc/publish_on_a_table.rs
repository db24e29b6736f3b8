//! Publishing to a table, whose rows change.

use topicast::Topic;

#[topicast::data]
struct Order {
    id: String,
}

#[topicast::ws_router(route = "orders", update = Order, table(key = id))]
struct Orders {}

fn publish(orders: &Topic<Orders>, order: &Order) {
    orders.publish(order).unwrap();
}

fn main() {
    let _ = (topicast::channels![Orders], publish);
}
