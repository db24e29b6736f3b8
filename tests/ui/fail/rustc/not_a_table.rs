//! A channel of another kind where a table is needed.

use topicast::{Tabular, Topic};

#[topicast::data]
struct Row {
    id: u64,
}

#[topicast::ws_router(route = "events", update = Row)]
struct Events {}

fn rows<C: Tabular>(_: &Topic<C>) {}

fn main() {
    let server = topicast::Server::builder("Events", "1").channels(topicast::channels![Events]).build().unwrap();
    rows(&server.publisher::<Events>().unwrap().topic(&Events {}).unwrap());
}
