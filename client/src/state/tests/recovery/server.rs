//! A server that follows the contract, for one client and for topics of every kind.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use topicast::__private::row_checksum;

/// What the updates of a model's topic mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Events,
    /// Events whose subscribers start with a snapshot.
    Snapshotted,
    Latest,
    Table,
}

/// The key of a row: side and price.
pub(super) type Key = (&'static str, u32);

/// The state of a topic at one number.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    pub(super) value: Option<u64>,
    pub(super) rows: BTreeMap<Key, u64>,
}

impl State {
    fn checksum(&self) -> u32 {
        let rows = self.rows.iter().map(|(key, value)| row(*key, *value).to_string());
        rows.map(|row| row_checksum(row.as_bytes()).unwrap()).fold(0, u32::wrapping_add)
    }
}

fn row((side, price): Key, value: u64) -> Value {
    json!({ "side": side, "price": price, "value": value })
}

/// How an update reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Sent,
    /// Dropped on events, merged into the next update on `latest` and tables.
    Withheld,
    /// Replaced by a snapshot, on `latest` and tables.
    Snapshot,
}

/// The client's subscription.
#[derive(Debug, Clone, Copy)]
struct Subscription {
    /// The last number that was sent.
    sent: u64,
}

/// A topic.
pub(super) struct Topic {
    pub(super) kind: Kind,
    route: &'static str,
    name: String,
    epoch: u64,
    seq: u64,
    /// The last value; values count up, across epochs.
    pub(super) published: u64,
    /// The values of this epoch's updates.
    values: Vec<u64>,
    /// The state after each number, of all epochs.
    pub(super) versions: BTreeMap<(String, u64), State>,
    /// A position before this number cannot be recovered from.
    floor: u64,
    subscription: Option<Subscription>,
    /// Whether the next recovery is refused although it is possible.
    pub(super) uncertain: bool,
    /// Whether the next checksum is wrong.
    pub(super) corrupt: bool,
    /// The number of wrong checksums.
    pub(super) corrupted: u64,
}

impl Topic {
    pub(super) fn new(kind: Kind, route: &'static str, name: String) -> Self {
        let mut topic = Self {
            kind,
            route,
            name,
            epoch: 0,
            seq: 0,
            published: 0,
            values: Vec::new(),
            versions: BTreeMap::new(),
            floor: 0,
            subscription: None,
            uncertain: false,
            corrupt: false,
            corrupted: 0,
        };
        topic.versions.insert(topic.place(0), State::default());
        topic
    }

    fn epoch(&self) -> String {
        format!("{}-{}", self.route, self.epoch)
    }

    fn place(&self, seq: u64) -> (String, u64) {
        (self.epoch(), seq)
    }

    pub(super) fn state(&self) -> &State {
        &self.versions[&self.place(self.seq)]
    }

    /// Gives a number to a change, and sends it to the client if it is subscribed.
    pub(super) fn publish(&mut self, edits: &[(Key, bool)], delivery: Delivery, out: &mut VecDeque<Value>) {
        let mut state = self.state().clone();
        let value = self.published + 1;
        if self.kind == Kind::Table {
            for (key, is_set) in edits {
                if *is_set {
                    state.rows.insert(*key, value);
                } else {
                    state.rows.remove(key);
                }
            }
            if state == *self.state() {
                return;
            }
        } else {
            state.value = Some(value);
        }
        self.published = value;
        self.seq += 1;
        self.values.push(value);
        self.versions.insert(self.place(self.seq), state);
        match (self.kind, delivery) {
            (_, Delivery::Withheld) => {}
            (Kind::Latest | Kind::Table, Delivery::Snapshot) if self.subscription.is_some() => {
                let snapshot = self.snapshot();
                out.push_back(snapshot);
                self.set_sent();
            }
            _ => self.flush(out),
        }
    }

    /// Sends what was withheld from the client.
    pub(super) fn flush(&mut self, out: &mut VecDeque<Value>) {
        let Some(Subscription { sent }) = self.subscription.filter(|subscription| subscription.sent < self.seq) else {
            return;
        };
        let update = match self.kind {
            Kind::Events | Kind::Snapshotted => self.event(self.seq, self.seq - sent - 1),
            Kind::Latest | Kind::Table => self.merged(sent),
        };
        out.push_back(update);
        self.set_sent();
    }

    fn set_sent(&mut self) {
        self.subscription = Some(Subscription { sent: self.seq });
    }

    fn event(&self, seq: u64, skipped: u64) -> Value {
        let value = self.values[usize::try_from(seq - 1).unwrap()];
        let mut update = self.message("update", seq, &json!([self.route, value]));
        if skipped > 0 {
            update["skipped"] = json!(skipped);
        }
        update
    }

    fn message(&self, operation: &str, seq: u64, payload: &Value) -> Value {
        let kind = format!("{}.{operation}", self.route);
        json!({ "type": kind, "topic": self.name, "seq": seq, "payload": payload })
    }

    /// Merges everything after a number.
    fn merged(&mut self, from: u64) -> Value {
        let now = self.state().clone();
        if self.kind == Kind::Latest {
            return self.message("update", self.seq, &json!([self.route, now.value]));
        }
        // A row that was removed and set again in between is sent, too.
        let mut touched: BTreeMap<Key, ()> = BTreeMap::new();
        for seq in from..self.seq {
            let (one, next) = (&self.versions[&self.place(seq)].rows, &self.versions[&self.place(seq + 1)].rows);
            let keys = one.keys().chain(next.keys()).filter(|key| one.get(*key) != next.get(*key));
            touched.extend(keys.map(|key| (*key, ())));
        }
        let set: Vec<_> = touched.keys().filter_map(|key| Some(row(*key, *now.rows.get(key)?))).collect();
        let removed = touched.keys().filter(|key| !now.rows.contains_key(*key));
        let remove: Vec<_> = removed.map(|(side, price)| json!({ "side": side, "price": price })).collect();
        let mut payload = json!({ "checksum": self.checksum() });
        for (name, list) in [("set", set), ("remove", remove)] {
            if !list.is_empty() {
                payload[name] = json!(list);
            }
        }
        self.message("update", self.seq, &payload)
    }

    fn snapshot(&mut self) -> Value {
        let state = self.state().clone();
        let payload = match self.kind {
            Kind::Table => {
                let rows: Vec<_> = state.rows.iter().map(|(key, value)| row(*key, *value)).collect();
                json!({ "set": rows, "checksum": self.checksum() })
            }
            _ => json!([self.route, state.value.unwrap_or(self.published)]),
        };
        self.message("snapshot", self.seq, &payload)
    }

    fn checksum(&mut self) -> u32 {
        let is_wrong = std::mem::take(&mut self.corrupt);
        self.corrupted += u64::from(is_wrong);
        self.state().checksum().wrapping_add(u32::from(is_wrong))
    }

    /// Answers a subscribe request.
    pub(super) fn subscribe(&mut self, request: &Value, out: &mut VecDeque<Value>) {
        let payload = json!({ "status": "ok", "topic": self.name });
        let mut reply = json!({ "type": format!("{}.subscribe.response", self.route), "id": request["id"] });
        (reply["epoch"], reply["payload"]) = (json!(self.epoch()), payload);
        if let Some(Subscription { sent }) = self.subscription {
            reply["seq"] = json!(sent);
            out.push_back(reply);
            return;
        }
        let mut follows = Vec::new();
        reply["seq"] = json!(self.seq);
        let stated = &request["recover"];
        match stated["seq"].as_u64() {
            Some(from) if self.recovers(stated["epoch"].as_str().unwrap(), from) => {
                (reply["recovered"], reply["seq"]) = (json!(true), json!(from));
                match self.kind {
                    Kind::Events | Kind::Snapshotted => {
                        follows.extend((from + 1..=self.seq).map(|seq| self.event(seq, 0)));
                    }
                    Kind::Latest | Kind::Table if from < self.seq => follows.push(self.merged(from)),
                    Kind::Latest | Kind::Table => {}
                }
            }
            stated => {
                if stated.is_some() {
                    reply["recovered"] = json!(false);
                }
                let has_state = match self.kind {
                    Kind::Events => false,
                    Kind::Snapshotted | Kind::Table => true,
                    Kind::Latest => self.state().value.is_some(),
                };
                if has_state {
                    reply["snapshot"] = json!(true);
                    follows.push(self.snapshot());
                } else if let Some(count) = request["rewind"].as_u64() {
                    let from = self.seq - count.min(self.seq - self.floor);
                    reply["seq"] = json!(from);
                    follows.extend((from + 1..=self.seq).map(|seq| self.event(seq, 0)));
                }
            }
        }
        out.push_back(reply);
        out.extend(follows);
        self.set_sent();
    }

    fn recovers(&mut self, epoch: &str, from: u64) -> bool {
        !std::mem::take(&mut self.uncertain) && epoch == self.epoch() && (self.floor..=self.seq).contains(&from)
    }

    /// Ends the client's subscription.
    pub(super) fn end(&mut self, code: &str, out: &mut VecDeque<Value>) {
        if self.subscription.take().is_some() {
            let payload = json!({ "code": code, "message": "", "retryable": true });
            out.push_back(self.message("unsubscribed", 0, &payload));
        }
    }

    pub(super) fn leave(&mut self) {
        self.subscription = None;
    }

    pub(super) fn is_subscribed(&self) -> bool {
        self.subscription.is_some()
    }

    /// Forgets what returning subscribers missed.
    pub(super) fn forget(&mut self) {
        self.floor = self.seq;
    }

    /// Starts a new epoch. Rows may have changed meanwhile, and a value is lost or kept.
    pub(super) fn restart(&mut self, keeps_state: bool) {
        let state = if keeps_state { self.state().clone() } else { State::default() };
        self.epoch += 1;
        (self.seq, self.floor) = (0, 0);
        self.values.clear();
        self.versions.insert(self.place(0), state);
    }
}
