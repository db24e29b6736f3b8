//! Feeds: what they publish reaches the topic's subscribers, for as long as there are any.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, stream};
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

/// Numbers of one source, one a second.
#[topicast::ws_router(route = "ticks", update = Tick, served)]
#[derive(Debug, Clone)]
pub struct Ticks {
    /// The source.
    pub source: String,
}

/// How many numbers were made.
#[derive(Debug, Default)]
pub struct App(AtomicUsize);

impl topicast::Serve<Arc<App>> for Ticks {
    async fn feed(&self, cx: &Cx<'_, Arc<App>>, topic: Topic<Self>) -> Result<Feed, Refusal> {
        Ok(Feed::stream(topic, ticks(Arc::clone(cx.state()))))
    }
}

fn ticks(app: Arc<App>) -> impl Stream<Item = Tick> {
    stream::unfold((app, 0), async |(app, number)| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        app.0.fetch_add(1, Ordering::SeqCst);
        Some((Tick { number }, (app, number + 1)))
    })
}

#[tokio::test]
async fn the_items_of_a_stream_reach_the_subscribers_until_a_linger_time_after_the_last() {
    let clock = Clock::pause();
    let app = Arc::<App>::default();
    let channels = topicast::channels![Arc<App>; Ticks];
    let ws = Server::builder("Test", "1.0.0").state(Arc::clone(&app)).channels(channels).build().unwrap();
    let request = Ticks { source: "A".into() };
    let mut first = Client::connect(&ws).await.unwrap();
    let mut second = Client::connect(&ws).await.unwrap();
    first.subscribe(&request).await;
    second.subscribe(&request).await;
    for number in 0..3 {
        for client in [&mut first, &mut second] {
            assert_eq!(client.update::<Ticks, Tick>().await, Tick { number });
        }
    }
    drop(first);
    second.unsubscribe(&request).await;
    clock.advance(Duration::from_secs(60)).await;
    let made = app.0.load(Ordering::SeqCst);
    assert!(made < 20, "the stream ends ten seconds after its last subscriber left, and made {made} items");
    clock.advance(Duration::from_secs(60)).await;
    assert_eq!(app.0.load(Ordering::SeqCst), made);
}
