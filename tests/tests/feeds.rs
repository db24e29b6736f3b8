//! Feeds: their updates reach the topic's subscribers, and they end after the last one leaves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use futures_util::stream;
use tokio::sync::mpsc;
use topicast::{
    Cx, Feed, Refusal, Server, Topic,
    testing::{Client, Clock},
};

/// A number.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The number.
    pub number: u32,
}

/// Numbers of one source.
#[topicast::ws_router(route = "ticks", update = Tick, served)]
#[derive(Debug, Clone)]
pub struct Ticks {
    /// The source.
    pub source: String,
}

/// The sources of the feeds that were started.
#[derive(Debug, Default)]
pub struct App(Mutex<Vec<mpsc::Sender<Tick>>>);

impl topicast::Serve<Arc<App>> for Ticks {
    async fn feed(&self, cx: &Cx<'_, Arc<App>>, topic: Topic<Self>) -> Result<Feed, Refusal> {
        let (source, ticks) = mpsc::channel(1);
        cx.state().0.lock().unwrap().push(source);
        Ok(Feed::stream(topic, stream::unfold(ticks, async |mut ticks| Some((ticks.recv().await?, ticks)))))
    }
}

#[tokio::test]
async fn the_items_of_a_stream_reach_the_subscribers_until_the_retention_time_after_the_last() {
    let _clock = Clock::pause();
    let app = Arc::<App>::default();
    let channels = topicast::channels![Arc<App>; Ticks];
    let ws = Server::builder("Test", "1.0.0").state(Arc::clone(&app)).channels(channels).build().unwrap();
    let request = Ticks { source: "A".into() };
    let mut first = Client::connect(&ws).await.unwrap();
    let mut second = Client::connect(&ws).await.unwrap();
    first.subscribe(&request).await;
    second.subscribe(&request).await;
    let source = app.0.lock().unwrap().pop().unwrap();
    for number in 0..3 {
        source.send(Tick { number }).await.unwrap();
        for client in [&mut first, &mut second] {
            assert_eq!(client.update::<Ticks, Tick>().await, Tick { number });
        }
    }
    drop(first);
    second.unsubscribe(&request).await;
    assert!(!source.is_closed());
    // While every task waits, the clock advances to the end of the retention time.
    source.closed().await;
    assert_eq!(app.0.lock().unwrap().len(), 0);
}
