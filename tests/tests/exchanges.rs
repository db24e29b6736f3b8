//! The exchanges of `docs/protocol.md` about kinds and recovery, followed by a client that is written
//! from that page.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use topicast::__private::{RowKey, row_checksum};

const PAGE: &str = include_str!("../../docs/protocol.md");

/// The members of the key of `book`.
const KEY: [&str; 2] = ["side", "price"];

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

#[derive(Default)]
struct Client {
    subscriptions: BTreeMap<String, Subscription>,
    requests: BTreeMap<u32, Message>,
    /// What the exchanges show, so that the page shows each case.
    seen: BTreeSet<&'static str>,
}

impl Client {
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
                    subscription.apply(&serde_json::from_str(message.payload.get()).unwrap());
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
    fn apply(&mut self, change: &Change) {
        for row in &change.set {
            self.rows.insert(RowKey::from_json(&KEY, row.get()).unwrap(), row.get().to_owned());
        }
        for key in &change.remove {
            self.rows.remove(&RowKey::from_json(&KEY, key.get()).unwrap());
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
    let mut client = Client::default();
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
