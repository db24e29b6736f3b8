//! A topic takes the updates of its own channel.

#[topicast::data]
struct Order {
    id: u64,
}

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
}

fn publish(topic: &topicast::Topic<Bars>) {
    let _ = topic.publish(&Order { id: 1 });
}

fn main() {
    let _ = publish;
}
