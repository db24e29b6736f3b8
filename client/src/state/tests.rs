//! The state machine against an in-memory server, over a wire that tests delay and cut.

use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use std::sync::Arc;

use super::*;
use crate::{
    backoff::Backoff,
    buffer::{Buffer, Buffering, Taken},
    gap::GapCause,
    item::Listener,
    request_error::{Doubt, NotSent},
};

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Settings {
    Settings {
        backoff: Backoff::default(),
        connect_timeout: SECOND * 10,
        request_timeout: SECOND * 10,
        close_timeout: SECOND * 2,
        heartbeat: SECOND * 10,
        silence: SECOND * 5,
        queue: 4,
        send_bytes: 1 << 20,
    }
}

fn listener() -> Listener {
    Arc::new(Buffer::new(Buffering::default()))
}

fn request_for(name: &str) -> SubscribeRequest {
    SubscribeRequest {
        topic: format!("bars:{{\"symbol\":\"{name}\"}}"),
        route: "bars",
        payload: json!({ "symbol": name }).to_string().into(),
        shape: Shape::Events,
        options: SubscribeOptions::default(),
    }
}

/// Drains a listener into short texts; a bare number is an update.
fn drain(listener: &Listener) -> Vec<String> {
    let mut items = Vec::new();
    while let Poll::Ready(taken) = listener.poll_take(&mut Context::from_waker(Waker::noop())) {
        let item = match taken {
            None => {
                items.push("end".to_owned());
                break;
            }
            Some(Taken::Lagged(lost)) => {
                items.push(format!("lagged {lost:?}"));
                continue;
            }
            Some(Taken::Item(delivery)) => delivery.item,
        };
        items.push(match item {
            RawItem::Update(payload) => payload.to_string(),
            RawItem::Snapshot(payload) => format!("snapshot {payload}"),
            RawItem::Rows(rows) => {
                format!("rows {}", rows.values().map(|row| &*row.text).collect::<Vec<_>>().join(" "))
            }
            RawItem::Gap(gap) => format!("{:?} {:?}", gap.cause, gap.missed),
            RawItem::Status(Status::Live) => "live".to_owned(),
            RawItem::Status(_) => "stale".to_owned(),
            RawItem::Refused(refusal) => format!("refused {}", refusal.code()),
            RawItem::Ended(refusal) => format!("ended {}", refusal.code()),
            RawItem::Mismatch(mismatch) => format!("mismatch {}", mismatch.is_final),
            RawItem::Unreadable(unreadable) => format!("unreadable {}", unreadable.error),
        });
    }
    items
}

/// A client state and its clock.
struct Harness {
    state: ClientState,
    now: Instant,
}

impl Harness {
    fn new() -> Self {
        let now = Instant::now();
        Self { state: ClientState::new(settings(), Random::seeded(1), now), now }
    }

    fn open() -> Self {
        let mut client = Self::new();
        client.state.handle_open(client.now);
        client
    }

    fn sent(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.state.next_message()).map(|text| serde_json::from_str(&text).unwrap()).collect()
    }

    fn text(&mut self, message: &Value) {
        self.state.handle_text(self.now, &message.to_string());
    }

    fn cut(&mut self, code: u16, reason: &str) {
        self.state.handle_disconnect(self.now, Disconnect::closed(Some(code), reason));
    }

    /// Advances the clock to the next attempt, which succeeds.
    fn reopen(&mut self) {
        while !matches!(self.state.phase(), Phase::Connecting { .. }) {
            self.now = self.state.next_timeout().expect("an attempt is due");
            self.state.handle_timeout(self.now);
        }
        self.state.handle_open(self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.state.handle_timeout(self.now);
    }

    fn joined(&mut self, request: &Value, epoch: &str, seq: u64) {
        assert_eq!(request["type"], "bars.subscribe");
        let topic = request_for(request["payload"]["symbol"].as_str().unwrap()).topic;
        let payload = json!({ "status": "ok", "message": "", "topic": topic });
        self.text(&json!({ "type": "bars.subscribe.response", "id": request["id"], "epoch": epoch, "seq": seq, "payload": payload }));
    }

    fn request(&mut self, name: &str) -> (u64, oneshot::Receiver<Outcome>) {
        let (outcome, receiver) = oneshot::channel();
        let call = Call { operation: name.to_owned(), payload: Some("1".to_owned()), has_reply: true };
        (self.state.request(self.now, call, outcome), receiver)
    }
}

fn types(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

#[test]
fn many_listeners_are_one_subscription_and_the_last_one_out_leaves() {
    let mut client = Harness::open();
    let (one, other) = (listener(), listener());
    let (number, status) = client.state.subscribe(client.now, request_for("A"), &one).unwrap();
    assert_eq!(client.state.subscribe(client.now, request_for("A"), &other).unwrap().0, number);
    let sent = client.sent();
    assert_eq!(types(&sent), ["bars.subscribe"]);
    assert_eq!(*status.borrow(), Status::Joining);
    client.joined(&sent[0], "e", 4);
    client.text(&json!({ "type": "bars.update", "topic": request_for("A").topic, "seq": 5, "payload": 1 }));
    assert_eq!((drain(&one), drain(&other)), (vec!["live".into(), "1".into()], vec!["live".into(), "1".into()]));
    assert_eq!(client.state.latest(number).as_deref(), Some("1"));
    let late = listener();
    client.state.subscribe(client.now, request_for("A"), &late).unwrap();
    assert_eq!(drain(&late), ["live"]);
    client.state.unsubscribe(number, &one);
    client.state.unsubscribe(number, &late);
    assert_eq!(client.sent(), [] as [Value; 0]);
    client.state.unsubscribe(number, &other);
    assert_eq!(types(&client.sent()), ["bars.unsubscribe"]);
    client.text(&json!({ "type": "bars.update", "topic": request_for("A").topic, "seq": 6, "payload": 2 }));
    assert_eq!(drain(&one), [] as [&str; 0]);
}

#[test]
fn everything_goes_out_in_one_burst_and_gaps_are_reported() {
    let mut client = Harness::new();
    let listeners: Vec<_> = ["A", "B", "C"]
        .map(|name| {
            let listener = listener();
            client.state.subscribe(client.now, request_for(name), &listener).unwrap();
            listener
        })
        .into();
    let (_, mut receiver) = client.request("x");
    client.state.handle_open(client.now);
    let sent = client.sent();
    assert_eq!(types(&sent), ["bars.subscribe", "bars.subscribe", "bars.subscribe", "x"]);
    for request in &sent[..3] {
        client.joined(request, "e", 10);
    }
    client.cut(1001, "away");
    assert!(matches!(receiver.try_recv(), Ok(Err(RequestError::Unknown(Doubt::Disconnected(_))))));
    client.reopen();
    let sent = client.sent();
    assert_eq!(types(&sent), ["bars.subscribe"; 3], "the request is not sent again");
    client.joined(&sent[0], "e", 10);
    client.joined(&sent[1], "e", 12);
    client.joined(&sent[2], "f", 3);
    let items: Vec<_> = listeners.iter().map(drain).collect();
    assert_eq!(items[0], ["live", "stale", "live"]);
    assert_eq!(items[1], ["live", "stale", "live", "Away Some(2)"]);
    assert_eq!(items[2], ["live", "stale", "live", "NewEpoch None"]);
}

#[test]
fn a_fault_is_not_repeated_and_costs_nobody_else() {
    let mut client = Harness::open();
    let (good, bad, after) = (listener(), listener(), listener());
    for (name, listener) in [("A", &good), ("bad", &bad), ("B", &after)] {
        client.state.subscribe(client.now, request_for(name), listener).unwrap();
    }
    let sent = client.sent();
    client.joined(&sent[0], "e", 0);
    client.cut(1003, "Could not validate payload");
    assert_eq!(drain(&bad), ["refused invalid", "end"]);
    client.reopen();
    let symbols: Vec<_> = client.sent().iter().map(|message| message["payload"]["symbol"].clone()).collect();
    assert_eq!(symbols, ["A", "B"]);
    assert_eq!(drain(&good), ["live", "stale"]);
    assert_eq!(drain(&after), [] as [&str; 0]);
}

#[test]
fn a_fault_that_is_answered_ends_its_subscription_only() {
    let mut client = Harness::open();
    let bad = listener();
    let (_, status) = client.state.subscribe(client.now, request_for("bad"), &bad).unwrap();
    let sent = client.sent();
    let fault = json!({ "status": "error", "code": "invalid", "message": "m", "retryable": false });
    client.text(&json!({ "type": "error", "id": sent[0]["id"], "payload": fault }));
    assert_eq!(drain(&bad), ["refused invalid", "end"]);
    assert_eq!(*status.borrow(), Status::Refused(Refusal::new("invalid", "m")));
    client.cut(1001, "");
    client.reopen();
    assert_eq!(client.sent(), [] as [Value; 0]);
}

#[test]
fn a_time_limit_is_nobodys_fault_and_makes_the_client_ping_sooner() {
    let mut client = Harness::open();
    let quiet = listener();
    client.state.subscribe(client.now, request_for("A"), &quiet).unwrap();
    client.sent();
    client.cut(1003, "Connection timed out. Heartbeat interval 6.0. Max connection lifespan unset");
    client.reopen();
    assert_eq!(types(&client.sent()), ["bars.subscribe"]);
    client.pass(SECOND * 2);
    assert_eq!(types(&client.sent()), ["ping"]);
}

#[test]
fn a_refusal_that_is_retryable_is_retried_when_the_server_says() {
    let mut client = Harness::open();
    let patient = listener();
    let (_, status) = client.state.subscribe(client.now, request_for("A"), &patient).unwrap();
    let sent = client.sent();
    let refusal = |id: &Value, retry: Value| {
        let mut payload = json!({ "status": "error", "code": "rate_limited", "message": "m", "retryable": true });
        payload["retry_after_ms"] = retry;
        json!({ "type": "bars.subscribe.response", "id": id, "payload": payload })
    };
    client.text(&refusal(&sent[0]["id"], json!(1500)));
    assert!(matches!(&*status.borrow(), Status::Retrying(refusal) if refusal.code() == "rate_limited"));
    client.pass(Duration::from_millis(1499));
    assert_eq!(client.sent(), [] as [Value; 0]);
    client.pass(Duration::from_millis(501));
    let sent = client.sent();
    client.joined(&sent[0], "e", 0);
    let end = json!({ "code": "unavailable", "message": "m", "retryable": true, "retry_after_ms": 200 });
    client.text(&json!({ "type": "bars.unsubscribed", "topic": request_for("A").topic, "payload": end }));
    client.pass(Duration::from_millis(199));
    assert_eq!(client.sent(), [] as [Value; 0]);
    client.pass(SECOND);
    let sent = client.sent();
    client.joined(&sent[0], "e", 2);
    client.text(&json!({ "type": "bars.unsubscribed", "topic": request_for("A").topic, "payload": { "code": "forbidden", "message": "m", "retryable": false } }));
    assert_eq!(
        drain(&patient),
        ["refused rate_limited", "live", "ended unavailable", "live", "Away Some(2)", "ended forbidden", "end"]
    );
}

#[test]
fn a_handler_that_always_fails_does_not_take_the_others_along_every_time() {
    let mut client = Harness::open();
    let (poison, other) = (listener(), listener());
    client.state.subscribe(client.now, request_for("poison"), &poison).unwrap();
    client.state.subscribe(client.now, request_for("B"), &other).unwrap();
    client.sent();
    client.cut(1011, "A handler failed");
    assert_eq!(drain(&poison), ["refused internal"]);
    let symbols = |client: &mut Harness| {
        client.sent().iter().map(|message| message["payload"]["symbol"].clone()).collect::<Vec<_>>()
    };
    // The refused topic has a backoff of its own, independent of the connection's.
    while !matches!(client.state.phase(), Phase::Connecting { .. }) {
        client.pass(Duration::from_millis(1));
    }
    client.state.handle_open(client.now);
    let burst = symbols(&mut client);
    assert!(burst.contains(&json!("B")));
    client.pass(SECOND);
    assert_eq!(burst.len() + symbols(&mut client).len(), 2);
}

#[test]
fn silence_after_a_ping_ends_the_connection() {
    let mut client = Harness::open();
    client.pass(SECOND * 10);
    let ping = client.sent();
    assert_eq!(types(&ping), ["ping"]);
    client.now += Duration::from_millis(30);
    client.text(&json!({ "type": "ping.response", "id": ping[0]["id"], "payload": { "time": 1 } }));
    assert_eq!(client.state.latency(), Some(Duration::from_millis(30)));
    client.pass(SECOND * 10);
    client.pass(SECOND * 5);
    let connection = client.state.connection();
    assert!(matches!(&*connection.borrow(), Connection::Waiting { why, .. } if why.cause == Cause::Silent));
}

#[test]
fn delays_grow_and_are_reset_by_a_connection_that_lasted() {
    let mut client = Harness::new();
    let failures = |client: &Harness| match &*client.state.connection().borrow() {
        Connection::Waiting { failures, .. } => *failures,
        _ => 0,
    };
    for expected in 1..6 {
        client.state.handle_disconnect(client.now, Disconnect::new(Cause::Unreachable, ""));
        assert_eq!(failures(&client), expected);
        while !matches!(client.state.phase(), Phase::Connecting { .. }) {
            client.pass(SECOND);
        }
    }
    client.state.handle_open(client.now);
    client.now += SECOND * 10;
    client.state.handle_disconnect(client.now, Disconnect::new(Cause::Lost, ""));
    assert_eq!(failures(&client), 1);
}

#[test]
fn closing_ends_every_stream_and_every_request() {
    let mut client = Harness::open();
    let (reader, pushes) = (listener(), listener());
    let (_, status) = client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
    client.state.listen_pushes("notice", &pushes);
    client.text(&json!({ "type": "notice", "payload": "hello" }));
    let (_, mut sent) = client.request("x");
    client.sent();
    let (_, mut unsent) = client.request("x");
    client.state.close(client.now);
    assert_eq!(drain(&reader), ["end"]);
    assert_eq!(drain(&pushes), ["live", "\"hello\"", "end"]);
    assert_eq!(*status.borrow(), Status::Closed);
    assert!(matches!(sent.try_recv(), Ok(Err(RequestError::Unknown(Doubt::Closed)))));
    assert!(matches!(unsent.try_recv(), Ok(Err(RequestError::NotSent(NotSent::Closed)))));
    assert!(client.state.subscribe(client.now, request_for("A"), &reader).is_err());
    client.pass(SECOND * 2);
    assert_eq!(client.state.phase(), Phase::Closed);
}

mod bounds;
mod contract;
mod kinds;
mod model;
mod recovery;
mod requests;
