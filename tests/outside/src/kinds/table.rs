//! A table: a client that returns receives the changes that it missed, merged.

/// A position in a symbol.
#[topicast::data]
pub struct Position {
    pub symbol: String,
    pub quantity: f64,
}

/// The positions of an account.
#[topicast::ws_router(route = "positions", update = Position, table(key = symbol, checksum))]
pub struct Positions {
    pub account: String,
}

#[cfg(test)]
mod tests {
    use topicast::{Server, channels, testing::Client};

    use super::*;

    fn position(symbol: &str, quantity: f64) -> Position {
        Position { symbol: symbol.into(), quantity }
    }

    fn texts(rows: Vec<Position>) -> Vec<String> {
        rows.into_iter().map(|row| format!("{} {}", row.quantity, row.symbol)).collect()
    }

    #[tokio::test]
    async fn a_client_that_was_cut_receives_the_changes_merged() {
        let ws = Server::builder("Positions", "1.0.0").channels(channels![Positions]).build().unwrap();
        let account = Positions { account: "TEST-001".into() };
        let topic = ws.publisher::<Positions>().unwrap().topic(&account).unwrap();
        topic.replace(&[position("AAPL", 10.0), position("MSFT", 0.1), position("TSLA", 1.0)]).unwrap();
        let mut client = Client::connect(&ws).await.unwrap();
        client.subscribe(&account).await;
        client.settled().await;
        assert_eq!(texts(client.table(&account)), ["10 AAPL", "0.1 MSFT", "1 TSLA"]);

        client.reconnect(&ws).await.unwrap();
        topic.update(|rows| rows.remove(&"AAPL".into())).unwrap();
        topic.update(|rows| rows.set(&position("MSFT", 0.1 + 0.2))).unwrap();
        topic.update(|rows| rows.set(&position("NVDA", 5.0))).unwrap();
        assert_eq!(client.recover(&account).await.recovered, Some(true));
        let missed = client.settled().await;
        assert_eq!(missed.len(), 1, "{missed:?}");
        assert_eq!(texts(client.table(&account)), ["0.30000000000000004 MSFT", "5 NVDA", "1 TSLA"]);
        assert_eq!(texts(client.table(&account)), texts(topic.rows().unwrap()));
        assert_eq!(client.position(&account).unwrap().1, 4);
    }
}
