//! Random sequences of publications, delays, disconnects, restarts and refusals: in the end
//! nothing is stale, wrong, duplicated or silently missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;

const TOPICS: [&str; 3] = ["A", "B", "C"];

/// One step of a sequence.
#[derive(Debug, Clone)]
enum Step {
    Publish(usize),
    /// The server drops this many updates of a topic for this client, and reports it with the next.
    Skip(usize, u64),
    /// This many messages arrive at the server.
    ToServer(usize),
    /// This many messages arrive at the client.
    ToClient(usize),
    /// The connection ends; messages in transit are lost.
    Cut(u16),
    /// The server restarts, with new epochs.
    Restart,
    Listen(usize),
    Leave(usize),
    /// The server refuses the next subscription with a retryable refusal.
    Refuse,
    /// The server ends a subscription with a retryable refusal.
    End(usize),
    Request,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let topic = 0..TOPICS.len();
    let step = prop_oneof![
        8 => topic.clone().prop_map(Step::Publish),
        1 => (topic.clone(), 1_u64..4).prop_map(|(topic, count)| Step::Skip(topic, count)),
        6 => (1_usize..5).prop_map(Step::ToServer),
        8 => (1_usize..5).prop_map(Step::ToClient),
        2 => prop::sample::select(vec![1000, 1001, 1006, 1011, 1013, 4000]).prop_map(Step::Cut),
        1 => Just(Step::Restart),
        2 => topic.clone().prop_map(Step::Listen),
        1 => topic.clone().prop_map(Step::Leave),
        1 => Just(Step::Refuse),
        1 => topic.prop_map(Step::End),
        2 => Just(Step::Request),
        3 => (0_u64..8_000).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..120)
}

/// A server that follows the contract, for one client.
#[derive(Default)]
struct Model {
    run: u64,
    /// The number of values published to each topic; each value is its number.
    published: BTreeMap<String, u64>,
    seq: BTreeMap<String, u64>,
    skipped: BTreeMap<String, u64>,
    subscribed: BTreeSet<String>,
    refuse: bool,
    /// The numbers of the requests that were carried out.
    done: Vec<u64>,
    to_server: VecDeque<Value>,
    to_client: VecDeque<Value>,
}

impl Model {
    fn name(topic: usize) -> String {
        request_for(TOPICS[topic]).topic
    }

    fn publish(&mut self, name: &str, for_client: bool) {
        let value = self.published.entry(name.to_owned()).or_default();
        *value += 1;
        let seq = self.seq.entry(name.to_owned()).or_default();
        *seq += 1;
        if !self.subscribed.contains(name) {
            return;
        }
        let skipped = self.skipped.entry(name.to_owned()).or_default();
        if !for_client {
            *skipped += 1;
            return;
        }
        let mut update = json!({ "type": "bars.update", "topic": name, "seq": seq, "payload": [name, value] });
        if *skipped > 0 {
            update["skipped"] = json!(std::mem::take(skipped));
        }
        self.to_client.push_back(update);
    }

    fn disconnect(&mut self) {
        self.subscribed.clear();
        self.skipped.clear();
        self.to_server.clear();
        self.to_client.clear();
    }

    fn receive(&mut self) {
        let Some(message) = self.to_server.pop_front() else { return };
        let (kind, id) = (message["type"].as_str().unwrap(), &message["id"]);
        let name = message["payload"]["symbol"].as_str().map(|symbol| request_for(symbol).topic);
        let reply = |payload: Value| json!({ "type": format!("{kind}.response"), "id": id, "payload": payload });
        let answer = match kind {
            "bars.subscribe" if std::mem::take(&mut self.refuse) => {
                let refusal = json!({ "status": "error", "code": "unavailable", "message": "", "retryable": true });
                reply(refusal)
            }
            "bars.subscribe" => {
                let name = name.unwrap();
                let mut answer = reply(json!({ "status": "ok", "topic": name }));
                answer["epoch"] = json!(format!("{}-{name}", self.run));
                // A subscription that exists already continues after the last update that was sent.
                let unsent = self.skipped.get(&name).copied().unwrap_or(0);
                answer["seq"] = json!(self.seq.get(&name).copied().unwrap_or(0) - unsent);
                self.subscribed.insert(name);
                answer
            }
            "bars.unsubscribe" => {
                let name = name.unwrap();
                self.subscribed.remove(&name);
                self.skipped.remove(&name);
                reply(json!({ "status": "ok" }))
            }
            "do" => {
                self.done.push(message["payload"].as_u64().unwrap());
                reply(json!({ "done": true }))
            }
            "ping" => reply(json!({ "time": 0 })),
            other => panic!("{other}"),
        };
        self.to_client.push_back(answer);
    }
}

/// A reader that accounts for every value of its topic.
struct Reader {
    topic: usize,
    number: u64,
    listener: Listener,
    /// The last value seen.
    last: Option<u64>,
    /// The number of values reported missing since; `None` if it is unknown.
    missing: Option<u64>,
    live: bool,
}

impl Reader {
    fn read(&mut self) {
        while let Poll::Ready(taken) = self.listener.poll_take(&mut Context::from_waker(Waker::noop())) {
            let Taken::Item(delivery) = taken.expect("nothing ends a stream here") else {
                panic!("the buffer is large")
            };
            match delivery.item {
                RawItem::Update(payload) => {
                    let (name, value): (String, u64) = serde_json::from_str(&payload).unwrap();
                    assert_eq!(name, Model::name(self.topic));
                    if let Some(last) = self.last {
                        assert!(value > last, "{value} after {last}: duplicate or out of order");
                        if let Some(missing) = self.missing {
                            assert_eq!(
                                value - last - 1,
                                missing,
                                "{missing} reported missing between {last} and {value}"
                            );
                        }
                    }
                    assert!(self.live, "an update of a subscription that is not live");
                    (self.last, self.missing) = (Some(value), Some(0));
                }
                RawItem::Gap(gap) => {
                    self.missing = self.missing.zip(gap.missed).map(|(sum, missed)| sum + missed);
                    assert_eq!(gap.missed.is_none(), gap.cause == GapCause::NewEpoch);
                }
                RawItem::Status(status) => self.live = status.is_live(),
                RawItem::Refused(_) => {}
                RawItem::Ended(_) => self.live = false,
                other => panic!("{other:?}"),
            }
        }
    }
}

struct World {
    client: Harness,
    server: Model,
    readers: Vec<Reader>,
    requests: Vec<(u64, oneshot::Receiver<Outcome>)>,
}

impl World {
    fn new() -> Self {
        Self { client: Harness::new(), server: Model::default(), readers: Vec::new(), requests: Vec::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Publish(topic) => self.server.publish(&Model::name(*topic), true),
            Step::Skip(topic, count) => {
                for _ in 0..*count {
                    self.server.publish(&Model::name(*topic), false);
                }
            }
            Step::ToServer(count) => {
                for _ in 0..*count {
                    let sent = self.client.state.next_message().map(|text| serde_json::from_str(&text).unwrap());
                    self.server.to_server.extend(sent);
                    self.server.receive();
                }
            }
            Step::ToClient(count) => {
                for message in self.server.to_client.drain(..(*count).min(self.server.to_client.len())) {
                    self.client.state.handle_text(self.client.now, &message.to_string());
                }
            }
            Step::Cut(code) => {
                if let Phase::Open { .. } = self.client.state.phase() {
                    self.server.disconnect();
                    self.client.cut(*code, "");
                }
            }
            Step::Restart => {
                self.server.run += 1;
                self.server.seq.clear();
                self.take(&Step::Cut(1006));
            }
            Step::Listen(topic) => {
                let listener = listener();
                let (number, _) =
                    self.client.state.subscribe(self.client.now, request_for(TOPICS[*topic]), &listener).unwrap();
                let reader = Reader { topic: *topic, number, listener, last: None, missing: Some(0), live: false };
                self.readers.push(reader);
            }
            Step::Leave(at) => {
                if !self.readers.is_empty() {
                    let reader = self.readers.swap_remove(at % self.readers.len());
                    self.client.state.unsubscribe(reader.number, &reader.listener);
                }
            }
            Step::Refuse => self.server.refuse = true,
            Step::End(topic) => {
                let name = Model::name(*topic);
                if self.server.subscribed.remove(&name) {
                    self.server.skipped.remove(&name);
                    let payload = json!({ "code": "unavailable", "message": "", "retryable": true });
                    self.server
                        .to_client
                        .push_back(json!({ "type": "bars.unsubscribed", "topic": name, "payload": payload }));
                }
            }
            Step::Request => {
                let (outcome, receiver) = oneshot::channel();
                let number = self.requests.len() as u64;
                let call = Call { operation: "do".into(), payload: Some(number.to_string()), has_reply: true };
                self.client.state.request(self.client.now, call, outcome);
                self.requests.push((number, receiver));
            }
            Step::Pass(millis) => self.pass(Duration::from_millis(*millis)),
        }
        self.readers.iter_mut().for_each(Reader::read);
    }

    /// Advances the clock and handles each timeout on the way; attempts to connect succeed at once.
    fn pass(&mut self, time: Duration) {
        let end = self.client.now + time;
        loop {
            let due = self.client.state.next_timeout().filter(|due| *due <= end);
            self.client.now = due.unwrap_or(end).max(self.client.now);
            let was_open = matches!(self.client.state.phase(), Phase::Open { .. });
            self.client.state.handle_timeout(self.client.now);
            match self.client.state.phase() {
                Phase::Connecting { .. } => self.client.state.handle_open(self.client.now),
                Phase::Waiting { .. } if was_open => self.server.disconnect(),
                _ => {}
            }
            if due.is_none() {
                return;
            }
        }
    }

    /// Delivers everything over a working connection.
    fn settle(&mut self) {
        self.server.refuse = false;
        for _ in 0..40 {
            self.take(&Step::Pass(1_000));
            self.take(&Step::ToServer(200));
            self.take(&Step::ToClient(usize::MAX));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_stale_wrong_twice_or_silently_missing(steps in steps()) {
        let mut world = World::new();
        world.client.state.handle_open(world.client.now);
        for step in &steps {
            world.take(step);
        }
        world.settle();
        for topic in 0..TOPICS.len() {
            world.take(&Step::Publish(topic));
        }
        world.take(&Step::ToClient(usize::MAX));
        for reader in &world.readers {
            let name = Model::name(reader.topic);
            let latest = world.server.published[&name];
            prop_assert!(reader.live);
            prop_assert_eq!(reader.last, Some(latest), "stale");
            let current = world.client.state.latest(reader.number);
            prop_assert_eq!(current.as_deref(), Some(&*json!([name, latest]).to_string()));
        }
        let wanted: BTreeSet<_> = world.readers.iter().map(|reader| Model::name(reader.topic)).collect();
        prop_assert_eq!(&world.server.subscribed, &wanted);
        for (number, receiver) in &mut world.requests {
            let done = world.server.done.iter().filter(|done| *done == number).count();
            match receiver.try_recv().expect("every request has an outcome") {
                Ok(_) => prop_assert_eq!(done, 1),
                Err(RequestError::NotSent(_)) => prop_assert_eq!(done, 0),
                Err(error) => {
                    prop_assert!(error.is_unknown(), "{}", error);
                    prop_assert!(done <= 1);
                }
            }
        }
    }
}
