//! A client that is written from `docs/protocol.md`, with the exchanges of that page about kinds and
//! recovery, and with a server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use topicast::{
    __private::{RowKey, row_checksum},
    Publisher, Server, testing,
};
use topicast_tests::kinds::{self, Book, Event, Quotes, Row, Side, Trades, Truth};

const PAGE: &str = include_str!("../../docs/protocol.md");

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    id: Option<u32>,
    topic: Option<String>,
    epoch: Option<String>,
    seq: Option<u64>,
    recovered: Option<bool>,
    snapshot: Option<bool>,
    #[serde(default)]
    skipped: u64,
    recover: Option<Position>,
    rewind: Option<u32>,
    max_rate: Option<f64>,
    payload: Box<RawValue>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Position {
    epoch: String,
    seq: u64,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    topic: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    set: Vec<Box<RawValue>>,
    #[serde(default)]
    remove: Vec<Box<RawValue>>,
    checksum: u32,
}

/// What a client knows of a topic.
#[derive(Debug, Default)]
struct Subscription {
    epoch: String,
    position: Option<u64>,
    awaits_snapshot: bool,
    rows: BTreeMap<RowKey, String>,
    is_wrong: bool,
}

struct Client {
    /// The members of the key of `book`.
    key: [&'static str; 2],
    subscriptions: BTreeMap<String, Subscription>,
    requests: BTreeMap<u32, Message>,
    /// What the exchanges show, so that the page shows each case.
    seen: BTreeSet<&'static str>,
}

impl Client {
    fn new(key: [&'static str; 2]) -> Self {
        Self { key, subscriptions: BTreeMap::new(), requests: BTreeMap::new(), seen: BTreeSet::new() }
    }

    fn sends(&mut self, message: Message) {
        let route = message.kind.split('.').next().unwrap();
        if let Some(recover) = &message.recover {
            let found = self.subscriptions.iter().find(|(topic, _)| topic.starts_with(&format!("{route}:")));
            let subscription = found.expect("a client recovers what it was subscribed to").1;
            assert_eq!(recover.epoch, subscription.epoch);
            assert_eq!(Some(recover.seq), subscription.position, "the position is that of the last message");
        }
        self.requests.insert(message.id.unwrap(), message);
    }

    fn receives(&mut self, message: Message) {
        let (route, kind) = message.kind.split_once('.').unwrap();
        match kind {
            "subscribe.response" => self.is_answered(&message),
            "unsubscribe.response" => drop(self.requests.remove(&message.id.unwrap()).unwrap()),
            "unsubscribed" => drop(self.seen.insert("reset")),
            "snapshot" | "update" => {
                let (topic, seq) = (message.topic.unwrap(), message.seq.unwrap());
                let subscription = self.subscriptions.get_mut(&topic).expect("a message of a subscribed topic");
                assert!(!subscription.is_wrong, "the client unsubscribes after a mismatch");
                if kind == "snapshot" {
                    let followed = std::mem::take(&mut subscription.awaits_snapshot);
                    self.seen.insert(if followed { "snapshot after a reply" } else { "snapshot instead of updates" });
                    subscription.rows.clear();
                } else {
                    let position = subscription.position.expect("no update precedes the snapshot");
                    if route == "trades" {
                        assert_eq!(seq, position + 1 + message.skipped);
                    } else {
                        assert!(seq > position, "{seq} after {position}");
                        assert_eq!(message.skipped, 0);
                    }
                    self.seen.insert(match (route, message.skipped, seq - position) {
                        ("trades", 0, _) => "event",
                        ("trades", ..) => "skipped",
                        (_, _, 1) => "one change",
                        _ => "merged",
                    });
                }
                subscription.position = Some(seq);
                if route == "book" {
                    subscription.apply(&self.key, &serde_json::from_str(message.payload.get()).unwrap());
                    self.seen.extend(subscription.is_wrong.then_some("mismatch"));
                }
            }
            other => panic!("no message `{other}`"),
        }
    }

    fn is_answered(&mut self, reply: &Message) {
        let request = self.requests.remove(&reply.id.unwrap()).expect("a reply to a request");
        let answer: Answer = serde_json::from_str(reply.payload.get()).unwrap();
        if answer.status == "error" {
            assert_eq!(answer.code.as_deref(), Some("unsupported"));
            assert!(request.kind.starts_with("quotes.") && request.rewind.is_some());
            assert_eq!((reply.epoch.as_deref(), reply.seq), (None, None));
            self.seen.insert("unsupported");
            return;
        }
        let subscription = self.subscriptions.entry(answer.topic.unwrap()).or_default();
        let (epoch, seq) = (reply.epoch.clone().unwrap(), reply.seq.unwrap());
        assert_eq!(reply.recovered.is_some(), request.recover.is_some());
        if reply.recovered == Some(true) {
            assert_eq!(request.recover, Some(Position { epoch, seq }));
            assert_eq!(reply.snapshot, None);
            self.seen.insert("recovered");
            return;
        }
        self.seen.extend(reply.recovered.map(|_| "not recovered"));
        self.seen.extend(request.rewind.map(|_| "rewind"));
        self.seen.extend(request.max_rate.map(|_| "max_rate"));
        assert_ne!(reply.snapshot, Some(false), "an absent snapshot is no member");
        let awaits_snapshot = reply.snapshot.is_some();
        let position = (!awaits_snapshot).then_some(seq);
        *subscription = Subscription { epoch, position, awaits_snapshot, ..Subscription::default() };
    }
}

impl Subscription {
    fn apply(&mut self, key: &[&str], change: &Change) {
        for row in &change.set {
            self.rows.insert(RowKey::from_json(key, row.get()).unwrap(), row.get().to_owned());
        }
        for removed in &change.remove {
            self.rows.remove(&RowKey::from_json(key, removed.get()).unwrap());
        }
        let sum = |sum: u32, row: &String| sum.wrapping_add(row_checksum(row.as_bytes()).unwrap());
        self.is_wrong = self.rows.values().fold(0, sum) != change.checksum;
    }
}

#[test]
fn the_exchanges_keep_the_rules_of_their_page() {
    let blocks = PAGE.split("\n```").filter_map(|part| part.strip_prefix("text\n"));
    let exchanges: Vec<&str> =
        blocks.filter(|block| block.starts_with('(') && !block.starts_with("(compat::")).collect();
    assert_eq!(exchanges.len(), 12);
    let mut client = Client::new(["side", "price"]);
    for line in exchanges.iter().flat_map(|exchange| exchange.lines()).filter(|line| !line.starts_with('(')) {
        let (arrow, text) = line.split_once(' ').unwrap();
        let message = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {line}"));
        if arrow == "→" { client.sends(message) } else { client.receives(message) }
    }
    assert_eq!(client.requests.len(), 0, "each request is answered");
    let seen: Vec<_> = client.seen.into_iter().collect();
    let cases = [
        "event",
        "max_rate",
        "merged",
        "mismatch",
        "not recovered",
        "one change",
        "recovered",
        "reset",
        "rewind",
        "skipped",
        "snapshot after a reply",
        "snapshot instead of updates",
        "unsupported",
    ];
    assert_eq!(seen, cases);
}

/// The rows of the table in "Checksums": a row, its text, and its CRC-32.
#[test]
fn the_checksums_of_single_rows_are_right() {
    let (_, section) = PAGE.split_once("| row as received | text | CRC-32 |\n").unwrap();
    let rows: Vec<_> = section.lines().skip(1).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        for text in &cells[..2] {
            assert_eq!(row_checksum(text.as_bytes()).unwrap().to_string(), cells[2], "{text}");
        }
        assert!(cells[1].find(' ').is_none() && serde_json::from_str::<Value>(cells[1]).is_ok());
    }
}

/// The client with a connection to a server.
struct Connected {
    client: Client,
    connection: testing::Client,
    topic: String,
}

impl Connected {
    async fn new(ws: &Server, route: &str) -> Self {
        let connection = testing::Client::connect(ws).await.unwrap();
        let topic = format!("{route}:{}", json!({ "name": "a" }));
        Self { client: Client::new(["side", "level"]), connection, topic }
    }

    /// Sends a subscribe with these members, and receives that many messages.
    async fn subscribes(&mut self, with: Value, messages: usize) {
        let route = self.topic.split(':').next().unwrap();
        let mut message = json!({ "type": format!("{route}.subscribe"), "id": 1, "payload": { "name": "a" } });
        message.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        self.client.sends(serde_json::from_value(message.clone()).unwrap());
        self.connection.send(&message).await;
        self.receives(messages).await;
    }

    async fn receives(&mut self, messages: usize) {
        for _ in 0..messages {
            let text = self.connection.next_text().await.unwrap();
            self.client.receives(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
        }
    }

    async fn returns(&mut self, ws: &Server, messages: usize) {
        self.connection = testing::Client::connect(ws).await.unwrap();
        let Subscription { epoch, position, .. } = &self.client.subscriptions[&self.topic];
        let recover = json!({ "recover": { "epoch": epoch, "seq": position.unwrap() } });
        self.subscribes(recover, messages).await;
    }

    fn seen(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.client.seen).into_iter().collect()
    }

    fn rows(&self) -> Vec<Row> {
        let rows = self.client.subscriptions[&self.topic].rows.values();
        rows.map(|row| serde_json::from_str(row).unwrap()).collect()
    }
}

fn server() -> Server {
    kinds::builder(&Arc::<Truth>::default()).build().unwrap()
}

fn row(side: Side, level: u32, size: u64) -> Row {
    Row { side, level, size }
}

#[tokio::test]
async fn a_table_keeps_the_rules_of_the_page() {
    let ws = server();
    let publisher: Publisher<Book> = ws.publisher().unwrap();
    let book = publisher.topic(&Book { name: "a".into() }).unwrap();
    book.replace([row(Side::Bid, 10, 1), row(Side::Ask, 9, 2), row(Side::Bid, 9, 3)].iter()).unwrap();
    let mut client = Connected::new(&ws, "book").await;
    client.subscribes(json!({}), 2).await;
    book.update(|rows| rows.set(&row(Side::Bid, 10, 7))).unwrap();
    client.receives(1).await;
    assert_eq!(client.seen(), ["one change", "snapshot after a reply"]);
    assert_eq!(client.rows(), book.rows().unwrap());

    book.update(|rows| rows.remove(&(Side::Ask, 9))).unwrap();
    book.update(|rows| rows.set(&row(Side::Ask, 11, 4))).unwrap();
    client.returns(&ws, 2).await;
    assert_eq!(client.seen(), ["merged", "recovered"]);
    assert_eq!(client.rows(), book.rows().unwrap());
    client.returns(&ws, 1).await;
    assert_eq!(client.seen(), ["recovered"]);

    client.returns(&server(), 2).await;
    assert_eq!(client.seen(), ["not recovered", "snapshot after a reply"]);
    assert_eq!(client.rows(), []);
}

#[tokio::test]
async fn events_and_latest_values_keep_the_rules_of_the_page() {
    let ws = server();
    let publisher: Publisher<Trades> = ws.publisher().unwrap();
    let trades = publisher.topic(&Trades { name: "a".into() }).unwrap();
    (1..=3).for_each(|number| trades.publish(&Event { number }).unwrap());
    let mut client = Connected::new(&ws, "trades").await;
    client.subscribes(json!({ "rewind": 2 }), 3).await;
    assert_eq!(client.seen(), ["event", "rewind"]);
    (4..=5).for_each(|number| trades.publish(&Event { number }).unwrap());
    client.receives(1).await;
    client.returns(&ws, 2).await;
    assert_eq!(client.seen(), ["event", "recovered"]);
    (6..=40).for_each(|number| trades.publish(&Event { number }).unwrap());
    client.returns(&ws, 1).await;
    assert_eq!(client.seen(), ["not recovered"]);

    let publisher: Publisher<Quotes> = ws.publisher().unwrap();
    let quotes = publisher.topic(&Quotes { name: "a".into() }).unwrap();
    quotes.publish(&Event { number: 1 }).unwrap();
    let mut client = Connected::new(&ws, "quotes").await;
    client.subscribes(json!({ "max_rate": 1000 }), 2).await;
    assert_eq!(client.seen(), ["max_rate", "snapshot after a reply"]);
    (2..=4).for_each(|number| quotes.publish(&Event { number }).unwrap());
    client.returns(&ws, 2).await;
    assert_eq!(client.seen(), ["merged", "recovered"]);
}
