//! One random run of a server, its publishers and its clients.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::timeout;
use topicast::{
    Limits, Server, SlowConsumer,
    testing::{Clock, Closed, Connect},
};
use topicast_tests::{
    kinds::{self, Plain, Row, Side, Trades, Truth},
    random::Random,
};

use crate::{
    TOPICS,
    log::{Levels, Log, State},
    reader::{Phase, Reader},
    subject::Subject,
};

/// One run.
pub(crate) struct World<P: Subject> {
    clock: Clock,
    random: Random,
    seed: u64,
    ws: Server,
    truth: Arc<Truth>,
    publisher: P,
    handles: [Option<P::Handle>; TOPICS],
    logs: [Log; TOPICS],
    readers: Vec<Reader>,
    number: u64,
    /// Whether updates may be skipped.
    drops: bool,
    is_table: bool,
    keeps_state: bool,
}

impl<P: Subject> World<P> {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let is_table = matches!(P::ROUTE, "book" | "positions");
        let drops = random.below(2) == 0;
        let slow = if drops { SlowConsumer::drop_oldest() } else { SlowConsumer::close() };
        let limits = Limits {
            unsent_bytes: [1500, 5000, 1 << 20][random.index(3)],
            backlog_bytes: [3000, 1 << 20][random.index(2)],
            retained_bytes: if P::ROUTE == "trades" { [2500, 20_000, 1 << 20][random.index(3)] } else { 1 << 20 },
            replay_bytes: [1000, 1 << 20][random.index(2)],
            ..Limits::default()
        };
        let truth = Arc::<Truth>::default();
        let ws = kinds::builder(&truth)
            .limits(limits)
            .heartbeat(None)
            .lifespan(None)
            .slow_consumer::<Plain>(slow)
            .slow_consumer::<Trades>(slow)
            .build()
            .unwrap();
        let publisher = P::publisher(&ws);
        let logs = std::array::from_fn(|_| Log::new(is_table));
        let readers = (0..3).map(|_| Reader { client: None, views: Default::default() }).collect();
        let keeps_state = !matches!(P::ROUTE, "plain" | "trades");
        let handles = std::array::from_fn(|_| None);
        Self {
            clock: Clock::pause(),
            random,
            seed,
            ws,
            truth,
            publisher,
            handles,
            logs,
            readers,
            number: 0,
            drops,
            is_table,
            keeps_state,
        }
    }

    fn name(topic: usize) -> String {
        format!("T{topic}")
    }

    pub(crate) async fn run(&mut self) {
        for _ in 0..self.random.range(20, 90) {
            self.step().await;
        }
        self.finish().await;
    }

    async fn step(&mut self) {
        let (reader, topic) = (self.random.index(self.readers.len()), self.random.index(TOPICS));
        match self.random.below(24) {
            0..=7 => {
                for _ in 0..self.random.range(1, 25) {
                    self.publish(topic);
                    if self.random.below(3) == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            }
            8 | 9 => self.readers[reader].client = None,
            10..=12 => self.connect(reader).await,
            13..=15 => self.subscribe(reader, topic).await,
            16 => self.unsubscribe(reader, topic).await,
            17..=20 => {
                for _ in 0..self.random.range(1, 12) {
                    if !self.read(reader).await {
                        break;
                    }
                }
            }
            21 => self.handles[topic] = None,
            22 => {
                let by = self.random.range(1, 90_000);
                self.clock.advance(Duration::from_millis(by)).await;
            }
            _ => {
                self.truth.is_down.store(self.random.below(3) == 0, Ordering::Relaxed);
                for _ in 0..self.random.below(20) {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn publish(&mut self, topic: usize) {
        self.number += 1;
        let name = Self::name(topic);
        let handle = self.handles[topic].get_or_insert_with(|| self.publisher.topic(&name)).clone();
        let state = self.logs[topic].last().clone();
        if let Some(after) = P::publish(&handle, &name, &self.truth, &state, self.number, &mut self.random) {
            self.logs[topic].states.push(after);
        }
        if self.random.below(30) == 0 {
            self.handles[topic] = None;
        }
    }

    async fn connect(&mut self, reader: usize) {
        if self.readers[reader].client.is_some() {
            return;
        }
        let bytes = [64, 300, 4096, 1 << 16][self.random.index(4)];
        let client = Connect::new(&self.ws).socket_bytes(bytes).open().await.unwrap();
        self.readers[reader].client = Some(client);
        for topic in 0..TOPICS {
            let view = &mut self.readers[reader].views[topic];
            let was_subscribed = view.phase != Phase::Left;
            (view.phase, view.asked, view.stated) = (Phase::Left, 0, None);
            if was_subscribed && self.random.below(8) > 0 {
                self.subscribe(reader, topic).await;
            }
        }
    }

    async fn subscribe(&mut self, reader: usize, topic: usize) {
        let mut message = json!({
            "type": format!("{}.subscribe", P::ROUTE),
            "id": topic,
            "payload": { "name": Self::name(topic) },
        });
        let view = &self.readers[reader].views[topic];
        let mut stated = None;
        if let Some(position) = view.position
            && view.phase == Phase::Left
            && view.asked == 0
            && self.random.below(10) > 0
        {
            let (mut epoch, mut seq) = (view.epoch.clone(), position);
            match self.random.below(12) {
                0 => epoch.push('x'),
                1 => seq += 1000,
                _ => {}
            }
            message["recover"] = json!({ "epoch": epoch, "seq": seq });
            stated = Some((epoch, seq));
        }
        if P::ROUTE == "trades" && self.random.below(4) == 0 {
            message["rewind"] = json!(self.random.range(1, 30));
        }
        if self.keeps_state && self.random.below(4) == 0 {
            message["max_rate"] = json!([0.5, 4.0, 1000.0][self.random.index(3)]);
        }
        if self.send(reader, &message).await {
            let view = &mut self.readers[reader].views[topic];
            view.asked += 1;
            if view.asked == 1 && view.phase == Phase::Left {
                view.stated = stated;
            }
        }
    }

    async fn unsubscribe(&mut self, reader: usize, topic: usize) {
        let view = &self.readers[reader].views[topic];
        if view.phase == Phase::Left || view.asked > 0 {
            return;
        }
        let payload = json!({ "name": Self::name(topic) });
        let message = json!({ "type": format!("{}.unsubscribe", P::ROUTE), "id": "left", "payload": payload });
        if !self.send(reader, &message).await {
            return;
        }
        // Reads up to the reply, after which nothing of the topic follows.
        while self.readers[reader].client.is_some() && self.readers[reader].views[topic].phase != Phase::Left {
            self.read(reader).await;
        }
    }

    /// Sends a message, while reading what the server has to send before it reads.
    async fn send(&mut self, reader: usize, message: &Value) -> bool {
        let Some(client) = &mut self.readers[reader].client else { return false };
        client.send(message).await;
        true
    }

    /// Reads one message. Returns false if there is none.
    async fn read(&mut self, reader: usize) -> bool {
        let Some(client) = &mut self.readers[reader].client else { return false };
        match timeout(Duration::from_millis(1), client.next()).await {
            Err(_) => false,
            Ok(Err(Closed { code, reason })) => {
                // 1006: the close frame found no room in the socket in time.
                assert!(matches!(code, 1013 | 1006), "seed {}: {code} {reason}", self.seed);
                assert!(!self.keeps_state, "seed {}: a subscriber that only catches up is never closed", self.seed);
                self.readers[reader].client = None;
                false
            }
            Ok(Ok(message)) => {
                self.take(reader, &message);
                true
            }
        }
    }

    /// Checks a message against the model.
    fn take(&mut self, reader: usize, message: &Value) {
        let context = format!("seed {}, reader {reader}: {message}", self.seed);
        let kind = message["type"].as_str().unwrap().strip_prefix(P::ROUTE).expect("the channel's message");
        if kind == ".unsubscribe.response" {
            let topic = usize::from(message["payload"]["topic"].as_str().unwrap().contains("T1"));
            self.readers[reader].views[topic].phase = Phase::Left;
            return;
        }
        if kind == ".subscribe.response" {
            return self.take_reply(reader, message, &context);
        }
        let topic = usize::from(message["topic"].as_str().unwrap().contains("T1"));
        let view = &mut self.readers[reader].views[topic];
        let seq = message["seq"].as_u64().unwrap();
        let skipped = message["skipped"].as_u64();
        let payload = &message["payload"];
        if kind == ".snapshot" {
            assert!(self.keeps_state, "{context}");
            assert!(view.position.is_none_or(|position| seq >= position), "{context} after {view:?}");
            view.rows.clear();
            view.phase = Phase::Subscribed;
        } else {
            assert_eq!(kind, ".update", "{context}");
            assert_eq!(view.phase, Phase::Subscribed, "{context}: before the snapshot");
            let position = view.position.unwrap_or_else(|| panic!("{context}: no position"));
            if self.keeps_state {
                assert!(seq > position && skipped.is_none(), "{context} after {position}");
            } else {
                assert_eq!(seq, position + 1 + skipped.unwrap_or(0), "{context} after {position}");
                assert!(skipped.is_none() || (self.drops && skipped != Some(0)), "{context}");
            }
        }
        view.position = Some(seq);
        let state = if self.is_table {
            let mut last = None;
            for row in payload["set"].as_array().into_iter().flatten() {
                let row: Row = serde_json::from_value(row.clone()).unwrap();
                assert!(last.replace((row.side, row.level)) < Some((row.side, row.level)), "{context}: order");
                view.rows.insert((row.side, row.level), row.size);
            }
            for key in payload["remove"].as_array().into_iter().flatten() {
                let side = serde_json::from_value(key["side"].clone()).unwrap();
                let level = u32::try_from(key["level"].as_u64().unwrap()).unwrap();
                assert!(view.rows.remove(&(side, level)).is_some() || kind == ".update", "{context}");
            }
            if P::ROUTE == "book" {
                assert_eq!(payload["checksum"], checksum(&view.rows), "{context}");
            }
            State::Rows(view.rows.clone())
        } else {
            State::Value(payload["number"].as_u64().unwrap())
        };
        let epoch = view.epoch.clone();
        self.logs[topic].check(&epoch, seq, &state, &context);
    }

    fn take_reply(&mut self, reader: usize, message: &Value, context: &str) {
        let topic = usize::try_from(message["id"].as_u64().unwrap()).unwrap();
        let view = &mut self.readers[reader].views[topic];
        view.asked -= 1;
        if message["payload"]["status"] == "error" {
            assert_eq!(message["payload"]["code"], "unavailable", "{context}");
            view.stated = None;
            return;
        }
        let (epoch, seq) = (message["epoch"].as_str().unwrap(), message["seq"].as_u64().unwrap());
        if view.phase != Phase::Left {
            // A repeated subscribe reports the last number that was sent.
            assert!(message.get("recovered").is_none() && message.get("snapshot").is_none(), "{context}");
            assert_eq!(epoch, view.epoch, "{context}");
            if view.phase == Phase::Subscribed {
                assert_eq!(Some(seq), view.position, "{context}");
            }
            return;
        }
        let stated = view.stated.take();
        assert_eq!(message["recovered"].as_bool().is_some(), stated.is_some(), "{context}");
        let announced = message["snapshot"].as_bool();
        assert_ne!(announced, Some(false), "{context}");
        view.phase = if announced.is_some() { Phase::Announced } else { Phase::Subscribed };
        if message["recovered"] == true {
            assert_eq!(Some((epoch.to_owned(), seq)), stated, "{context}");
            assert_eq!(announced, None, "{context}");
        } else {
            view.epoch = epoch.to_owned();
            view.position = announced.is_none().then_some(seq);
            view.rows.clear();
        }
        assert!(!self.is_table || announced.is_some() || message["recovered"] == true, "{context}");
    }

    /// Lets every reader read everything. Each then has the newest state of every topic.
    async fn finish(&mut self) {
        self.truth.is_down.store(false, Ordering::Relaxed);
        for reader in 0..self.readers.len() {
            self.connect(reader).await;
            for topic in 0..TOPICS {
                if self.readers[reader].views[topic].phase == Phase::Left && self.readers[reader].client.is_some() {
                    self.subscribe(reader, topic).await;
                }
            }
            self.drain(reader).await;
        }
        for topic in 0..TOPICS {
            self.publish(topic);
        }
        for _ in 0..3 {
            for reader in 0..self.readers.len() {
                self.drain(reader).await;
            }
        }
        for (number, reader) in self.readers.iter().enumerate() {
            if reader.client.is_none() {
                continue;
            }
            for (topic, view) in reader.views.iter().enumerate() {
                assert_ne!(view.phase, Phase::Left, "seed {}: reader {number} subscribed", self.seed);
                let log = &self.logs[topic];
                let begin = log.epochs[&view.epoch];
                let at = begin + i64::try_from(view.position.unwrap()).unwrap();
                assert_eq!(
                    at,
                    log.states.len() as i64 - 1,
                    "seed {}: reader {number}, topic {topic}: {view:?}",
                    self.seed
                );
            }
        }
    }

    async fn drain(&mut self, reader: usize) {
        // A subscription with a low `max_rate` receives its next update after 2 s.
        let mut idle = 0;
        while self.readers[reader].client.is_some() && idle < 3 {
            if self.read(reader).await {
                idle = 0;
            } else {
                idle += 1;
                self.clock.advance(Duration::from_secs(2)).await;
            }
        }
    }
}

/// Returns the sum of the CRC-32 of each row's RFC 8785 text.
fn checksum(rows: &Levels) -> u32 {
    let crc = |(&(side, level), size): (&(Side, u32), &u64)| {
        crc32fast::hash(format!(r#"{{"level":{level},"side":"{side:?}","size":{size}}}"#).as_bytes())
    };
    rows.iter().map(crc).fold(0, u32::wrapping_add)
}
