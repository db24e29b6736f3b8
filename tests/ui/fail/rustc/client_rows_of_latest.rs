//! The rows of a channel that is not a table.

#[topicast::data]
pub struct Quote {
    bid: f64,
}

#[topicast::ws_router(route = "quotes", update = Quote, latest)]
pub struct Quotes {}

fn list(quotes: &topicast_client::Subscription<Quotes>) -> usize {
    quotes.rows().map_or(0, |rows| rows.len())
}

fn main() {}
