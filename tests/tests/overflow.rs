//! Publishing faster than a shard takes updates: no update is lost silently, and each drop is
//! counted once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use topicast::{
    Limits, Publisher, Server, SlowConsumer, Topic,
    testing::{self, Clock},
};
use topicast_tests::{
    channels::{self, App, Bar, Bars, Notice, Order, Orders, Resolution},
    client::Client,
};

/// The dropping policies that the property test generates.
#[derive(Debug, Clone, Copy)]
enum Drops {
    Oldest,
    /// With a maximum age, which nothing reaches.
    Older,
}

impl Drops {
    fn policy(self) -> SlowConsumer {
        match self {
            Self::Oldest => SlowConsumer::drop_oldest(),
            Self::Older => SlowConsumer::drop_oldest().max_age(Duration::from_secs(3600)),
        }
    }
}

fn request(symbol: usize) -> Bars {
    Bars { symbol: format!("S{symbol}"), resolution: Resolution::M1 }
}

fn server(slow: SlowConsumer, backlog_bytes: usize, unsent_bytes: usize) -> (Server, Publisher<Bars>) {
    let limits = Limits { backlog_bytes, unsent_bytes, ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).slow_consumer::<Bars>(slow).build().unwrap();
    let publisher = ws.publisher().unwrap();
    (ws, publisher)
}

/// Publishes without giving the shard a turn.
fn burst(topic: &Topic<Bars>, times: std::ops::RangeInclusive<i64>) {
    for time in times {
        topic.publish(&Bar { time, close: 0.5 }).unwrap();
    }
}

/// The sequence of one subscription: `seq` = previous + 1 + `skipped`.
#[derive(Debug)]
struct Run {
    last: u64,
    skipped: u64,
}

impl Run {
    fn of(reply: &Value) -> Self {
        Self { last: reply["seq"].as_u64().unwrap(), skipped: 0 }
    }

    fn take(&mut self, update: &Value) {
        let skipped = update["skipped"].as_u64().unwrap_or(0);
        assert_eq!(update["seq"], self.last + 1 + skipped, "{update} after {}", self.last);
        self.last += 1 + skipped;
        self.skipped += skipped;
    }
}

#[tokio::test]
async fn a_reply_between_updates_takes_none_from_a_subscriber_that_keeps_up() {
    let (ws, publisher) = server(SlowConsumer::drop_oldest(), 1 << 20, 1 << 20);
    let topic = publisher.topic(&request(0)).unwrap();
    let mut client = Client::connect(&ws).await;
    let mut run = Run::of(&client.subscribe(&request(0)).await);
    // Two updates, a message that is never dropped, and another update, in one turn of the shard.
    burst(&topic, 1..=2);
    ws.push(&Notice { text: "halt".into() }).unwrap();
    burst(&topic, 3..=3);
    let updates: Vec<_> =
        client.settled().await.into_iter().filter(|message| message["type"] == "bars.update").collect();
    updates.iter().for_each(|update| run.take(update));
    assert_eq!((updates.len(), run.last, run.skipped, topic.skipped()), (3, 3, 0, 0));
}

#[tokio::test]
async fn the_newest_update_survives_an_overflow_without_waiting_for_another() {
    for slow in [SlowConsumer::drop_oldest(), SlowConsumer::drop_oldest().max_age(Duration::from_secs(3600))] {
        let (ws, publisher) = server(slow, 2000, 1 << 20);
        let topic = publisher.topic(&request(0)).unwrap();
        let mut client = Client::connect(&ws).await;
        let mut run = Run::of(&client.subscribe(&request(0)).await);
        burst(&topic, 1..=100);
        let updates = client.settled().await;
        updates.iter().for_each(|update| run.take(update));
        assert_eq!(run.last, 100);
        assert!(run.skipped > 50, "the inbox is small: {run:?}");
        assert_eq!(run.skipped, topic.skipped());
        assert_eq!(ws.topics()[0].skipped, topic.skipped());
    }
}

#[tokio::test]
async fn losses_end_the_connections_of_subscribers_that_must_have_every_update() {
    let (ws, publisher) = server(SlowConsumer::close(), 2000, 1 << 20);
    let topic = publisher.topic(&request(0)).unwrap();
    let mut client = Client::connect(&ws).await;
    let mut other = Client::connect(&ws).await;
    client.subscribe(&request(0)).await;
    other.subscribe(&request(1)).await;
    burst(&topic, 1..=100);
    assert_eq!(client.closed().await.code, 1013);
    assert_eq!(other.settled().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_new_subscriber_is_not_charged_with_losses_before_its_reply() {
    let _clock = Clock::pause();
    let limits = Limits { backlog_bytes: 2000, ..Limits::default() };
    // Within a flush window the shard does not take the inbox, so the join follows the overflow.
    let ws = channels::builder(&Arc::default())
        .limits(limits)
        .slow_consumer::<Bars>(SlowConsumer::drop_oldest())
        .flush_window(Duration::from_secs(1))
        .build()
        .unwrap();
    let topic = ws.publisher().unwrap().topic(&request(0)).unwrap();
    let mut old = Client::connect(&ws).await;
    let mut old_run = Run::of(&old.subscribe(&request(0)).await);
    let mut new = Client::connect(&ws).await;
    new.settled().await;
    new.send(&json!({ "type": "bars.subscribe", "payload": request(0) })).await;
    burst(&topic, 1..=100);
    while topic.subscribers() < 2 {
        tokio::task::yield_now().await;
    }
    burst(&topic, 101..=200);
    let mut run = Run::of(&new.message().await);
    assert_eq!(run.last, 100);
    new.settled().await.iter().for_each(|update| run.take(update));
    old.settled().await.iter().for_each(|update| old_run.take(update));
    assert_eq!((run.last, old_run.last), (200, 200));
    assert!(run.skipped < 100, "{run:?}");
    assert_eq!(topic.skipped(), old_run.skipped + run.skipped);
}

#[tokio::test]
async fn the_reply_to_a_repeated_subscribe_follows_the_newest_update_that_it_includes() {
    let (ws, publisher) = server(SlowConsumer::drop_oldest(), 2000, 1 << 20);
    let topic = publisher.topic(&request(0)).unwrap();
    let mut client = Client::connect(&ws).await;
    let mut run = Run::of(&client.subscribe(&request(0)).await);
    for round in 0..20 {
        client.send(&json!({ "type": "bars.subscribe", "id": round, "payload": request(0) })).await;
        for _ in 0..4 {
            burst(&topic, 1..=60);
            tokio::task::yield_now().await;
        }
        for message in client.settled().await {
            if message["type"] == "bars.update" {
                run.take(&message);
            } else {
                assert_eq!(message["seq"], run.last, "{message}");
            }
        }
    }
}

#[tokio::test]
async fn losses_while_a_subscriber_waits_for_its_snapshot_are_reported_where_they_were() {
    for slow in [SlowConsumer::drop_oldest(), SlowConsumer::drop_oldest().max_age(Duration::from_secs(3600))] {
        let app = Arc::<App>::default();
        let gate = Arc::new(tokio::sync::Notify::new());
        *app.gate.lock().unwrap() = Some(Arc::clone(&gate));
        let limits = Limits { backlog_bytes: 1000, ..Limits::default() };
        let ws = channels::builder(&app).limits(limits).slow_consumer::<Orders>(slow).build().unwrap();
        let orders = Orders { account_id: "A".into() };
        let topic = ws.publisher::<Orders>().unwrap().topic(&orders).unwrap();
        let mut client = Client::connect(&ws).await;
        client.send(&json!({ "type": "orders.subscribe", "payload": orders })).await;
        while topic.subscribers() == 0 {
            tokio::task::yield_now().await;
        }
        for round in 0..3_u32 {
            for number in 1..=50 {
                topic.publish(&Order { number: round * 50 + number }).unwrap();
            }
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        gate.notify_one();
        let mut run = Run::of(&client.message().await);
        assert_eq!(client.message().await["type"], "orders.snapshot");
        client.settled().await.iter().for_each(|update| run.take(update));
        assert_eq!(run.last, 150);
        assert_eq!(run.skipped, topic.skipped());
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Publishes this many updates of a topic without giving the shard a turn.
    Publish(usize, u8),
    Subscribe(usize, usize),
    Unsubscribe(usize, usize),
    /// Sends every client a message that is never dropped.
    Push,
    /// Gives the shard and the connections some turns.
    Turns(u8),
    Read(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_usize, 1..60_u8).prop_map(|(topic, count)| Step::Publish(topic, count)),
        3 => (0..4_usize, 0..3_usize).prop_map(|(client, topic)| Step::Subscribe(client, topic)),
        1 => (0..4_usize, 0..3_usize).prop_map(|(client, topic)| Step::Unsubscribe(client, topic)),
        2 => Just(Step::Push),
        4 => (1..6_u8).prop_map(Step::Turns),
        3 => (0..4_usize).prop_map(Step::Read),
    ]
}

/// A client, the sequence that it received of each topic, and its unanswered requests.
struct Reader {
    client: testing::Client,
    runs: [Option<Run>; 3],
    asked: usize,
}

impl Reader {
    async fn ask(&mut self, kind: &str, topic: usize) {
        if self.asked < 4 {
            self.client.send(&json!({ "type": kind, "id": topic, "payload": request(topic) })).await;
            self.asked += 1;
        }
    }

    fn take(&mut self, message: &Value, topics: &[Topic<Bars>]) {
        let id = message["id"].as_u64().and_then(|topic| usize::try_from(topic).ok());
        match message["type"].as_str().unwrap() {
            "bars.subscribe.response" => {
                self.asked -= 1;
                self.runs[id.unwrap()].get_or_insert_with(|| Run::of(message));
            }
            "bars.unsubscribe.response" => {
                self.asked -= 1;
                self.runs[id.unwrap()] = None;
            }
            "bars.update" => {
                let topic = topics.iter().position(|topic| message["topic"] == topic.name()).unwrap();
                self.runs[topic].as_mut().expect("no update without a subscription").take(message);
            }
            "notice" => {}
            other => panic!("{other}"),
        }
    }

    async fn settle(&mut self, topics: &[Topic<Bars>]) {
        for message in self.client.settled().await {
            self.take(&message, topics);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    /// Generates random overflows of a shard's inbox and of its connections. On every subscription
    /// `seq` is previous + 1 + `skipped`, every subscriber ends with the newest update, and the
    /// counters equal the sum of `skipped`.
    #[test]
    fn numbers_add_up_over_random_overflows(
        steps in prop::collection::vec(any_step(), 1..80),
        drops in prop_oneof![Just(Drops::Oldest), Just(Drops::Older)],
        backlog in 200..3000_usize,
        unsent in 2400..6000_usize,
        narrow: [bool; 4],
    ) {
        let left = AtomicBool::new(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (ws, publisher) = server(drops.policy(), backlog, unsent);
            let topics: Vec<_> = (0..3).map(|topic| publisher.topic(&request(topic)).unwrap()).collect();
            let mut readers = Vec::new();
            for narrow in narrow {
                let socket = if narrow { 300 } else { 64 * 1024 };
                let client = testing::Connect::new(&ws).socket_bytes(socket).open().await.unwrap();
                readers.push(Reader { client, runs: [const { None }; 3], asked: 0 });
            }
            let mut counts = [0_i64; 3];
            let mut pushes = 0;
            for step in steps {
                match step {
                    Step::Publish(topic, count) => {
                        burst(&topics[topic], counts[topic] + 1..=counts[topic] + i64::from(count));
                        counts[topic] += i64::from(count);
                    }
                    Step::Subscribe(reader, topic) => readers[reader].ask("bars.subscribe", topic).await,
                    Step::Unsubscribe(reader, topic) => {
                        left.store(true, Ordering::Relaxed);
                        readers[reader].ask("bars.unsubscribe", topic).await;
                    }
                    // Too many messages that are never dropped would close a connection that does not read.
                    Step::Push if pushes < 5 => {
                        ws.push(&Notice { text: "halt".into() }).unwrap();
                        pushes += 1;
                    }
                    Step::Push => {}
                    Step::Turns(count) => {
                        for _ in 0..count {
                            tokio::task::yield_now().await;
                        }
                    }
                    Step::Read(reader) => readers[reader].settle(&topics).await,
                }
            }
            for at in 0..3 {
                for reader in &mut readers {
                    reader.settle(&topics).await;
                }
                // The last update of a topic may have been dropped; the next one reports it.
                counts[at] += 1;
                burst(&topics[at], counts[at]..=counts[at]);
            }
            for reader in &mut readers {
                reader.settle(&topics).await;
            }
            for (at, topic) in topics.iter().enumerate() {
                let runs: Vec<_> = readers.iter().filter_map(|reader| reader.runs[at].as_ref()).collect();
                for run in &runs {
                    assert_eq!(run.last, counts[at].unsigned_abs(), "the newest update of {at} arrives: {run:?}");
                }
                let reported: u64 = runs.iter().map(|run| run.skipped).sum();
                if left.load(Ordering::Relaxed) {
                    assert!(topic.skipped() >= reported);
                } else {
                    assert_eq!(topic.skipped(), reported, "the counter of {at}");
                }
            }
        });
    }
}
