//! The first program of the README and its test, in one file as a reader puts them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use topicast::Server;

/// The price of a symbol.
#[topicast::data]
#[derive(Debug, PartialEq)]
struct Quote {
    price: f64,
}

/// Quotes of one symbol.
#[topicast::ws_router(route = "quotes", update = Quote)]
struct Quotes {
    symbol: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ws = Server::builder("Quotes", "1.0.0").channels(topicast::channels![Quotes]).build()?;

    let aapl = ws.publisher::<Quotes>()?.topic(&Quotes { symbol: "AAPL".into() })?;
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        for cents in 15_000_u32.. {
            ticks.tick().await;
            // Never waits; without subscribers the update is dropped, but still counted in `seq`.
            aapl.publish(&Quote { price: f64::from(cents) / 100.0 }).expect("a price is JSON");
        }
    });

    let port = std::env::args().nth(1).unwrap_or_else(|| "8000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("open http://{}/ws/asyncapi and subscribe to AAPL", listener.local_addr()?);
    topicast::serve(listener, ws.router("/ws")).await?;
    Ok(())
}

use topicast::testing::Client;

#[tokio::test]
async fn a_subscriber_receives_what_is_published() {
    let ws = Server::builder("Quotes", "1.0.0").channels(topicast::channels![Quotes]).build().unwrap();
    let aapl = Quotes { symbol: "AAPL".into() };
    let topic = ws.publisher::<Quotes>().unwrap().topic(&aapl).unwrap();

    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&aapl).await;
    topic.publish(&Quote { price: 150.5 }).unwrap();
    assert_eq!(client.update::<Quotes, Quote>().await, Quote { price: 150.5 });

    client.unsubscribe(&aapl).await;
    topic.publish(&Quote { price: 151.0 }).unwrap();
    assert!(client.settled().await.is_empty());
}
