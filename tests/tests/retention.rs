//! What a topic keeps after its last subscriber left, and for how long.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use tokio::runtime::Handle;
use topicast::{
    Builder, Cx, Feed, Refusal, Serve, Server, Topic,
    testing::{Client, Clock},
};

/// An order.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The number of the order.
    pub id: u64,
}

/// Orders that the application publishes, without a snapshot hook and without a feed.
#[topicast::ws_router(route = "orders", update = Order, table(key = id), served)]
#[derive(Debug, Clone)]
pub struct Orders {}

/// New orders of the last five minutes, from a feed.
#[topicast::ws_router(route = "new", update = Order, history(age = "5m"), served)]
#[derive(Debug, Clone)]
pub struct New {}

/// The feeds that were started.
#[derive(Debug, Default)]
pub struct App(Mutex<Vec<Weak<()>>>);

impl Serve<App> for Orders {}

impl Serve<App> for New {
    async fn feed(&self, cx: &Cx<'_, App>, _topic: Topic<Self>) -> Result<Feed, Refusal> {
        let source = Arc::new(());
        cx.state().0.lock().unwrap().push(Arc::downgrade(&source));
        Ok(Feed::guard(source))
    }
}

impl App {
    fn running_feeds(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|source| source.strong_count() > 0).count()
    }
}

fn builder(app: &Arc<App>) -> Builder<App> {
    Server::builder("Test", "1.0.0").shared_state(Arc::clone(app)).channels(topicast::channels![App; Orders, New])
}

#[tokio::test]
async fn a_topic_without_a_source_keeps_its_rows_and_its_epoch_while_a_publisher_has_it() {
    let clock = Clock::pause();
    let ws = builder(&Arc::default()).build().unwrap();
    let orders = ws.publisher::<Orders>().unwrap().topic(&Orders {}).unwrap();
    orders.update(|rows| rows.set(&Order { id: 1 })).unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&Orders {}).await;
    client.settled().await;
    let position = client.position(&Orders {});
    client.unsubscribe(&Orders {}).await;
    clock.advance(Duration::from_secs(3600)).await;
    assert_eq!(orders.rows().unwrap(), [Order { id: 1 }]);
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&Orders {}).await;
    client.settled().await;
    assert_eq!(client.table(&Orders {}), [Order { id: 1 }]);
    assert_eq!(client.position(&Orders {}), position);
}

#[tokio::test]
async fn a_feed_runs_as_long_as_the_history_of_its_topic_covers() {
    let clock = Clock::pause();
    let app = Arc::<App>::default();
    let ws = builder(&app).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&New {}).await;
    client.unsubscribe(&New {}).await;
    clock.advance(Duration::from_secs(299)).await;
    assert_eq!(app.running_feeds(), 1);
    clock.advance(Duration::from_secs(2)).await;
    assert_eq!(app.running_feeds(), 0);
}

#[tokio::test]
async fn a_feed_runs_for_the_retention_time_after_the_last_of_several_absences() {
    let clock = Clock::pause();
    let app = Arc::<App>::default();
    let ws = builder(&app).build().unwrap();
    let visit = async || {
        let mut client = Client::connect(&ws).await.unwrap();
        client.subscribe(&New {}).await;
        client
    };
    for _ in 0..3 {
        drop(visit().await);
        clock.advance(Duration::from_secs(200)).await;
    }
    assert_eq!(app.running_feeds(), 1);
    let mut client = visit().await;
    for _ in 0..20 {
        clock.advance(Duration::from_secs(20)).await;
        assert!(client.settled().await.is_empty());
    }
    assert_eq!(app.running_feeds(), 1);
    drop(client);
    clock.advance(Duration::from_secs(302)).await;
    assert_eq!((app.running_feeds(), app.0.lock().unwrap().len()), (0, 1));
}

#[tokio::test]
async fn a_client_that_subscribes_and_unsubscribes_again_and_again_leaves_one_task() {
    let ws = builder(&Arc::default()).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..50 {
        client.subscribe(&New {}).await;
        client.unsubscribe(&New {}).await;
        tasks.push(Handle::current().metrics().num_alive_tasks());
    }
    assert!(tasks[49] <= tasks[0] + 1, "{tasks:?}");
}

#[tokio::test]
async fn a_retention_may_be_for_ever() {
    let clock = Clock::pause();
    let ws = builder(&Arc::default()).retention(Duration::MAX).build().unwrap();
    ws.publisher::<New>().unwrap().topic(&New {}).unwrap().publish(&Order { id: 1 }).unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&New {}).await;
    let position = client.position(&New {});
    client.unsubscribe(&New {}).await;
    clock.advance(Duration::from_secs(1_000_000)).await;
    let mut client = Client::connect(&ws).await.unwrap();
    client.subscribe(&New {}).await;
    assert_eq!(client.position(&New {}), position);
}
