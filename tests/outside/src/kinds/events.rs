//! Events: a client that returns receives every update that it missed.

/// A trade.
#[topicast::data]
pub struct Trade {
    pub price: f64,
}

/// Trades of a symbol, the last 100 of which the server remembers.
#[topicast::ws_router(route = "trades", update = Trade, history(count = 100))]
pub struct Trades {
    pub symbol: String,
}

#[cfg(test)]
mod tests {
    use topicast::{Server, channels, testing::Client};

    use super::*;

    #[tokio::test]
    async fn a_client_that_was_cut_receives_every_trade_that_it_missed() {
        let ws = Server::builder("Trades", "1.0.0").channels(channels![Trades]).build().unwrap();
        let aapl = Trades { symbol: "AAPL".into() };
        let topic = ws.publisher::<Trades>().unwrap().topic(&aapl).unwrap();
        let mut client = Client::connect(&ws).await.unwrap();
        client.subscribe(&aapl).await;
        topic.publish(&Trade { price: 150.0 }).unwrap();
        assert_eq!(client.update::<Trades, Trade>().await.price, 150.0);

        client.reconnect(&ws).await.unwrap();
        for price in [150.5, 151.0] {
            topic.publish(&Trade { price }).unwrap();
        }
        assert_eq!(client.recover(&aapl).await.recovered, Some(true));
        topic.publish(&Trade { price: 151.5 }).unwrap();
        for price in [150.5, 151.0, 151.5] {
            assert_eq!(client.update::<Trades, Trade>().await.price, price);
        }
        assert_eq!(client.position(&aapl).unwrap().1, 4);
        assert!(client.settled().await.is_empty());
    }

    #[tokio::test]
    async fn a_client_that_was_away_for_too_long_is_informed_of_the_gap() {
        let ws = Server::builder("Trades", "1.0.0").channels(channels![Trades]).build().unwrap();
        let aapl = Trades { symbol: "AAPL".into() };
        let topic = ws.publisher::<Trades>().unwrap().topic(&aapl).unwrap();
        let mut client = Client::connect(&ws).await.unwrap();
        client.subscribe(&aapl).await;

        client.reconnect(&ws).await.unwrap();
        for _ in 0..101 {
            topic.publish(&Trade { price: 150.0 }).unwrap();
        }
        let subscribed = client.recover(&aapl).await;
        assert_eq!((subscribed.recovered, subscribed.seq), (Some(false), 101));
        assert!(client.settled().await.is_empty());
    }
}
