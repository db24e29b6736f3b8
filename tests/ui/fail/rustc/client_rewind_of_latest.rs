//! A subscription to a value that has no past updates.

#[topicast::data]
pub struct Quote {
    bid: f64,
}

#[topicast::ws_router(route = "quotes", update = Quote, latest)]
pub struct Quotes {}

fn subscribe(client: &topicast_client::Client) {
    let _ = client.subscribe_with(&Quotes {}, topicast_client::Options::new().rewind(50));
}

fn main() {}
