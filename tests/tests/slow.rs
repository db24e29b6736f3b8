//! Slow consumers: the updates that each policy drops, counts and reports.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use serde_json::{Value, json};
use topicast::{
    Limits, Publisher, Server, SlowConsumer, Topic,
    testing::{self, Clock, Connect},
};
use topicast_tests::{
    channels::{self, Bar, Bars, MarketStatus, Order, Orders, Resolution, Status},
    client::Client,
};

fn request(symbol: usize) -> Bars {
    Bars { symbol: format!("S{symbol}"), resolution: Resolution::M1 }
}

fn server(slow: SlowConsumer, unsent_bytes: usize) -> (Server, Publisher<Bars>) {
    let limits = Limits { unsent_bytes, ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).slow_consumer::<Bars>(slow).build().unwrap();
    let publisher = ws.publisher().unwrap();
    (ws, publisher)
}

/// A client whose socket takes about one update.
async fn slow_client(ws: &Server) -> Client {
    Client::with(ws, Connect::new(ws).socket_bytes(150)).await
}

async fn publish(topic: &Topic<Bars>, times: std::ops::RangeInclusive<i64>) {
    for time in times {
        topic.publish(&Bar { time, close: 0.5 }).unwrap();
        // Each in a separate turn of the shard, as over time.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
}

/// Checks that the updates and their `skipped` account for every number up to the last one.
#[derive(Debug)]
struct Run {
    next: u64,
}

impl Run {
    fn of(reply: &Value) -> Self {
        Self { next: reply["seq"].as_u64().unwrap() + 1 }
    }

    fn take(&mut self, update: &Value) {
        let skipped = update["skipped"].as_u64().unwrap_or(0);
        assert_eq!(update["seq"], self.next + skipped, "{update} after {}", self.next - 1);
        assert_ne!(update["skipped"], 0, "nothing is said when nothing was skipped");
        assert_eq!(update["payload"]["time"], update["seq"]);
        self.next += skipped + 1;
    }
}

/// More updates than a shard delivers in order in one turn: rounds overlap, and it continues at both
/// ends of the queue.
#[tokio::test]
async fn a_crowd_gets_everything_in_order_while_one_round_overtakes_the_other() {
    const UPDATES: i64 = 40;
    let (ws, publisher) = server(SlowConsumer::close(), 1 << 20);
    let topic = publisher.topic(&request(0)).unwrap();
    let mut crowd = Vec::new();
    for number in 0..600 {
        // Every third client has a socket that is soon full, so that its updates wait for room.
        let connect = Connect::new(&ws);
        let connect = if number % 3 == 0 { connect.socket_bytes(150) } else { connect };
        let mut client = connect.open().await.unwrap();
        client.subscribe(&request(0)).await;
        let run = Run { next: 1 };
        crowd.push((client, run));
    }
    for time in 1..=UPDATES {
        topic.publish(&Bar { time, close: 0.5 }).unwrap();
        tokio::task::yield_now().await;
    }
    for (client, run) in &mut crowd {
        client.settled().await.iter().for_each(|update| run.take(update));
        assert_eq!(run.next, UPDATES as u64 + 1);
    }
}

#[tokio::test]
async fn drop_oldest_keeps_the_newest_and_tells_what_is_gone() {
    let (ws, publisher) = server(SlowConsumer::drop_oldest(), 1000);
    let topic = publisher.topic(&request(0)).unwrap();
    let mut client = slow_client(&ws).await;
    let mut run = Run::of(&client.subscribe(&request(0)).await);
    publish(&topic, 1..=500).await;
    let updates = client.settled().await;
    assert!((3..20).contains(&updates.len()), "{updates:?}");
    updates.iter().for_each(|update| run.take(update));
    assert_eq!(run.next, 501);
    assert_eq!(topic.skipped(), 500 - updates.len() as u64);
    // A client that has caught up receives the shared frame again.
    publish(&topic, 501..=501).await;
    let update = client.message().await;
    assert!(update.get("skipped").is_none(), "{update}");
}

#[tokio::test]
async fn the_policy_of_the_new_messages_channel_decides() {
    let (ws, publisher) = server(SlowConsumer::drop_oldest(), 1000);
    let topic = publisher.topic(&request(0)).unwrap();
    let status = ws.publisher::<Status>().unwrap().topic(&Status {}).unwrap();
    let mut client = slow_client(&ws).await;
    client.subscribe(&request(0)).await;
    client.subscribe(&Status {}).await;
    publish(&topic, 1..=100).await;
    assert_eq!(ws.connections(), 1);
    // `status` has no policy of its own, so it closes; and its updates make no room.
    while status.subscribers() > 0 {
        status.publish(&MarketStatus { open: true }).unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(client.closed().await.code, 1013);
}

#[tokio::test]
async fn replies_are_never_dropped() {
    let (ws, publisher) = server(SlowConsumer::drop_oldest(), 3000);
    let topic = publisher.topic(&request(0)).unwrap();
    let mut client = slow_client(&ws).await;
    let mut run = Run::of(&client.subscribe(&request(0)).await);
    for id in 0..10 {
        publish(&topic, id * 50 + 1..=id * 50 + 50).await;
        client.send(&json!({ "type": "ping", "id": id })).await;
    }
    let (mut id, mut seen) = (0, 0);
    while id < 10 || run.next <= 500 {
        let message = client.message().await;
        if message["type"] == "ping.response" {
            assert_eq!(message["id"], id);
            id += 1;
        } else {
            run.take(&message);
            seen += 1;
        }
    }
    assert!(seen < 500);
}

#[tokio::test]
async fn an_update_that_is_too_old_is_dropped_or_ends_the_connection() {
    let clock = Clock::pause();
    for (slow, closes) in [
        (SlowConsumer::drop_oldest().max_age(Duration::from_secs(2)), false),
        (SlowConsumer::close().max_age(Duration::from_secs(2)), true),
    ] {
        let (ws, publisher) = server(slow, 1 << 20);
        let topic = publisher.topic(&request(0)).unwrap();
        let mut client = slow_client(&ws).await;
        let mut healthy = Client::connect(&ws).await;
        let mut run = Run::of(&client.subscribe(&request(0)).await);
        healthy.subscribe(&request(0)).await;
        publish(&topic, 1..=20).await;
        clock.advance(Duration::from_millis(1900)).await;
        assert_eq!(topic.subscribers(), 2, "nobody was too old yet");
        clock.advance(Duration::from_millis(700)).await;
        if closes {
            assert_eq!(topic.subscribers(), 1);
            assert_eq!(client.closed().await.code, 1013);
        } else {
            publish(&topic, 21..=21).await;
            let updates = client.settled().await;
            assert!(updates.len() < 5, "{updates:?}");
            updates.iter().for_each(|update| run.take(update));
            assert_eq!(run.next, 22);
        }
        assert!(healthy.settled().await.iter().all(|update| update.get("skipped").is_none()));
    }
}

#[tokio::test]
async fn updates_held_for_a_snapshot_follow_the_policy_too() {
    for (slow, closes) in [(SlowConsumer::close(), true), (SlowConsumer::drop_oldest(), false)] {
        let app = Arc::<channels::App>::default();
        let gate = Arc::new(tokio::sync::Notify::new());
        *app.gate.lock().unwrap() = Some(Arc::clone(&gate));
        let limits = Limits { unsent_bytes: 1000, ..Limits::default() };
        let ws = channels::builder(&app).limits(limits).slow_consumer::<Orders>(slow).build().unwrap();
        let orders = Orders { account_id: "A".into() };
        let topic = ws.publisher::<Orders>().unwrap().topic(&orders).unwrap();
        let mut client = Client::connect(&ws).await;
        client.send(&json!({ "type": "orders.subscribe", "payload": orders })).await;
        while topic.subscribers() == 0 {
            tokio::task::yield_now().await;
        }
        for number in 1..=100 {
            topic.publish(&Order { number }).unwrap();
            tokio::task::yield_now().await;
        }
        if closes {
            assert_eq!(client.closed().await.code, 1013);
            continue;
        }
        gate.notify_one();
        let messages = [client.message().await, client.message().await];
        assert_eq!(messages.map(|message| message["seq"].clone()), [json!(0), json!(0)]);
        let mut next = 1;
        while next <= 100 {
            let update = client.message().await;
            let skipped = update["skipped"].as_u64().unwrap_or(0);
            assert_eq!(update["seq"], next + skipped);
            next += skipped + 1;
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(usize, u8),
    Subscribe(usize, usize),
    Unsubscribe(usize, usize),
    Read(usize, u8),
    Reconnect(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_usize, 1..20_u8).prop_map(|(topic, count)| Step::Publish(topic, count)),
        3 => (0..5_usize, 0..4_usize).prop_map(|(client, topic)| Step::Subscribe(client, topic)),
        1 => (0..5_usize, 0..4_usize).prop_map(|(client, topic)| Step::Unsubscribe(client, topic)),
        4 => (0..5_usize, 1..30_u8).prop_map(|(client, count)| Step::Read(client, count)),
        1 => (0..5_usize).prop_map(Step::Reconnect),
    ]
}

/// A client that reads on the test's steps, and the update that it must receive next of each topic.
struct Reader {
    client: testing::Client,
    runs: [Option<Run>; 4],
    /// Subscribe and unsubscribe requests that are not answered yet.
    asked: usize,
}

impl Reader {
    async fn connect(ws: &Server) -> Self {
        let client = Connect::new(ws).socket_bytes(400).open().await.unwrap();
        Self { client, runs: [const { None }; 4], asked: 0 }
    }

    async fn ask(&mut self, kind: &str, topic: usize) {
        // Replies are never dropped, so too many unread ones would end the connection.
        if self.asked == 5 {
            return;
        }
        self.client.send(&json!({ "type": kind, "id": topic, "payload": request(topic) })).await;
        self.asked += 1;
    }

    fn take(&mut self, message: &Value, topics: &[Topic<Bars>]) {
        let topic = message["id"].as_u64().and_then(|topic| usize::try_from(topic).ok());
        match message["type"].as_str().unwrap() {
            "bars.subscribe.response" => {
                self.asked -= 1;
                let run = self.runs[topic.unwrap()].get_or_insert_with(|| Run::of(message));
                // The reply to a second subscription contains the current `seq`. Unsent and skipped
                // updates are between the last received `seq` and that one.
                assert!(message["seq"].as_u64().unwrap() + 1 >= run.next);
            }
            "bars.unsubscribe.response" => {
                self.asked -= 1;
                self.runs[topic.unwrap()] = None;
            }
            "bars.update" => {
                let topic = topics.iter().position(|topic| message["topic"] == topic.name()).unwrap();
                self.runs[topic].as_mut().expect("no update without a subscription").take(message);
            }
            other => panic!("{other}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// With many clients, topics and speeds, every client receives a contiguous, ordered run of each
    /// topic, or exactly the gaps that `skipped` reports, and finally the newest update.
    #[test]
    fn every_number_arrives_or_is_told_to_be_skipped(
        steps in prop::collection::vec(any_step(), 1..120),
        unsent in 2000..6000_usize,
    ) {
        // The heartbeat closes a client that waits in vain, at once under virtual time.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (ws, publisher) = server(SlowConsumer::drop_oldest(), unsent);
            let topics: Vec<_> = (0..4).map(|topic| publisher.topic(&request(topic)).unwrap()).collect();
            let mut counts = [0; 4];
            let mut readers = Vec::new();
            for _ in 0..5 {
                readers.push(Reader::connect(&ws).await);
            }
            for step in steps {
                match step {
                    Step::Publish(topic, count) => {
                        publish(&topics[topic], counts[topic] + 1..=counts[topic] + i64::from(count)).await;
                        counts[topic] += i64::from(count);
                    }
                    Step::Subscribe(reader, topic) => readers[reader].ask("bars.subscribe", topic).await,
                    Step::Unsubscribe(reader, topic) => readers[reader].ask("bars.unsubscribe", topic).await,
                    Step::Reconnect(reader) => readers[reader] = Reader::connect(&ws).await,
                    Step::Read(reader, count) => {
                        let reader = &mut readers[reader];
                        // Waits only for certain messages: the answer to an unanswered request.
                        for _ in 0..count {
                            if reader.asked == 0 {
                                break;
                            }
                            let message = reader.client.message().await;
                            reader.take(&message, &topics);
                        }
                    }
                }
            }
            // The next update reports the last drops.
            for (topic, count) in topics.iter().zip(&mut counts) {
                for reader in &mut readers {
                    for message in reader.client.settled().await {
                        reader.take(&message, &topics);
                    }
                }
                *count += 1;
                publish(topic, *count..=*count).await;
            }
            for reader in &mut readers {
                for (topic, count) in counts.iter().enumerate() {
                    while reader.runs[topic].as_ref().is_some_and(|run| run.next <= count.unsigned_abs()) {
                        let message = reader.client.message().await;
                        reader.take(&message, &topics);
                    }
                }
            }
        });
    }
}
