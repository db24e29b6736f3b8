//! A subscription to events with a rate, which only updates that can be merged have.

#[topicast::data]
pub struct Trade {
    price: f64,
}

#[topicast::ws_router(route = "trades", update = Trade)]
pub struct Trades {}

fn subscribe(client: &topicast_client::Client) {
    let _ = client.subscribe_with(&Trades {}, topicast_client::Options::new().max_rate(4.0));
}

fn main() {}
