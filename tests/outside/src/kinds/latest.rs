//! A value: a client that returns receives the newest, if it is newer than the client's.

/// The best prices.
#[topicast::data]
pub struct Quote {
    pub bid: f64,
    pub ask: f64,
}

/// The newest quote of a symbol.
#[topicast::ws_router(route = "quotes", update = Quote, latest)]
pub struct Quotes {
    pub symbol: String,
}

#[cfg(test)]
mod tests {
    use topicast::{Server, channels, testing::Client};

    use super::*;

    #[tokio::test]
    async fn a_client_that_was_cut_receives_the_newest_quote_alone() {
        let ws = Server::builder("Quotes", "1.0.0").channels(channels![Quotes]).build().unwrap();
        let aapl = Quotes { symbol: "AAPL".into() };
        let topic = ws.publisher::<Quotes>().unwrap().topic(&aapl).unwrap();
        topic.publish(&Quote { bid: 150.0, ask: 150.5 }).unwrap();
        let mut client = Client::connect(&ws).await.unwrap();
        assert!(client.subscribe(&aapl).await.snapshot);
        assert_eq!(client.message().await["payload"]["bid"], 150.0);

        client.reconnect(&ws).await.unwrap();
        for bid in [149.0, 149.5, 149.25] {
            topic.publish(&Quote { bid, ask: 150.5 }).unwrap();
        }
        assert_eq!(client.recover(&aapl).await.recovered, Some(true));
        assert_eq!(client.update::<Quotes, Quote>().await.bid, 149.25);
        assert_eq!(client.position(&aapl).unwrap().1, 4);

        client.reconnect(&ws).await.unwrap();
        assert_eq!(client.recover(&aapl).await.recovered, Some(true));
        assert!(client.settled().await.is_empty());
    }
}
