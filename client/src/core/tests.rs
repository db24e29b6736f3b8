//! The core against a server in memory, over a wire that a test delays and cuts at will.

use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;
use crate::{
    backoff::Backoff,
    buffer::{Buffering, Taken},
    error::{Doubt, NotSent},
    numbering::GapCause,
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

fn ask(name: &str) -> Ask {
    Ask {
        name: format!("bars:{{\"symbol\":\"{name}\"}}"),
        route: "bars",
        payload: json!({ "symbol": name }).to_string().into(),
    }
}

/// What waits for a reader, in short: numbers are updates.
fn drain(listener: &Listener) -> Vec<String> {
    let mut items = Vec::new();
    while let Poll::Ready(taken) = listener.poll_take(&mut Context::from_waker(Waker::noop())) {
        items.push(match taken {
            None => {
                items.push("end".to_owned());
                break;
            }
            Some(Taken::Lagged(lost)) => format!("lagged {lost:?}"),
            Some(Taken::Item(RawItem::Update(payload))) => payload.to_string(),
            Some(Taken::Item(RawItem::Snapshot(payload))) => format!("snapshot {payload}"),
            Some(Taken::Item(RawItem::Gap(gap))) => format!("{:?} {:?}", gap.cause, gap.missed),
            Some(Taken::Item(RawItem::Status(Status::Live))) => "live".to_owned(),
            Some(Taken::Item(RawItem::Status(_))) => "stale".to_owned(),
            Some(Taken::Item(RawItem::Refused(refusal))) => format!("refused {}", refusal.code()),
            Some(Taken::Item(RawItem::Ended(refusal))) => format!("ended {}", refusal.code()),
        });
    }
    items
}

/// A core and the time.
struct Bench {
    core: Core,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        Self { core: Core::new(settings(), Random::seeded(1), now), now }
    }

    fn open() -> Self {
        let mut bench = Self::new();
        bench.core.opened(bench.now);
        bench
    }

    fn sent(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.core.pop()).map(|text| serde_json::from_str(&text).unwrap()).collect()
    }

    fn text(&mut self, message: &Value) {
        self.core.text(self.now, &message.to_string());
    }

    fn cut(&mut self, code: u16, reason: &str) {
        self.core.ended(self.now, Disconnect::closed(Some(code), reason));
    }

    /// Moves time on to the next attempt, which succeeds.
    fn reopen(&mut self) {
        while !matches!(self.core.phase(), Phase::Connecting { .. }) {
            self.now = self.core.deadline().expect("an attempt is due");
            self.core.elapsed(self.now);
        }
        self.core.opened(self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.core.elapsed(self.now);
    }

    fn joined(&mut self, request: &Value, epoch: &str, seq: u64) {
        assert_eq!(request["type"], "bars.subscribe");
        let topic = ask(request["payload"]["symbol"].as_str().unwrap()).name;
        let payload = json!({ "status": "ok", "message": "", "topic": topic });
        self.text(&json!({ "type": "bars.subscribe.response", "id": request["id"], "epoch": epoch, "seq": seq, "payload": payload }));
    }

    fn request(&mut self, name: &str) -> (u64, oneshot::Receiver<Outcome>) {
        let (outcome, told) = oneshot::channel();
        let call = Call { kind: name.to_owned(), payload: Some("1".to_owned()), reply: true };
        (self.core.request(self.now, call, outcome), told)
    }
}

fn types(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

#[test]
fn many_listeners_are_one_subscription_and_the_last_one_out_leaves() {
    let mut bench = Bench::open();
    let (one, other) = (listener(), listener());
    let (number, status) = bench.core.subscribe(bench.now, ask("A"), &one).unwrap();
    assert_eq!(bench.core.subscribe(bench.now, ask("A"), &other).unwrap().0, number);
    let sent = bench.sent();
    assert_eq!(types(&sent), ["bars.subscribe"]);
    assert_eq!(*status.borrow(), Status::Joining);
    bench.joined(&sent[0], "e", 4);
    bench.text(&json!({ "type": "bars.update", "topic": ask("A").name, "seq": 5, "payload": 1 }));
    assert_eq!((drain(&one), drain(&other)), (vec!["live".into(), "1".into()], vec!["live".into(), "1".into()]));
    assert_eq!(bench.core.latest(number).as_deref(), Some("1"));
    let late = listener();
    bench.core.subscribe(bench.now, ask("A"), &late).unwrap();
    assert_eq!(drain(&late), ["live"]);
    bench.core.unsubscribe(number, &one);
    bench.core.unsubscribe(number, &late);
    assert_eq!(bench.sent(), [] as [Value; 0]);
    bench.core.unsubscribe(number, &other);
    assert_eq!(types(&bench.sent()), ["bars.unsubscribe"]);
    bench.text(&json!({ "type": "bars.update", "topic": ask("A").name, "seq": 6, "payload": 2 }));
    assert_eq!(drain(&one), [] as [&str; 0]);
}

#[test]
fn everything_goes_out_in_one_burst_and_what_was_missed_is_told() {
    let mut bench = Bench::new();
    let listeners: Vec<_> = ["A", "B", "C"]
        .map(|name| {
            let listener = listener();
            bench.core.subscribe(bench.now, ask(name), &listener).unwrap();
            listener
        })
        .into();
    let (_, mut told) = bench.request("x");
    bench.core.opened(bench.now);
    let sent = bench.sent();
    assert_eq!(types(&sent), ["bars.subscribe", "bars.subscribe", "bars.subscribe", "x"]);
    for request in &sent[..3] {
        bench.joined(request, "e", 10);
    }
    bench.cut(1001, "away");
    assert!(matches!(told.try_recv(), Ok(Err(RequestError::Unknown(Doubt::Disconnected(_))))));
    bench.reopen();
    let sent = bench.sent();
    assert_eq!(types(&sent), ["bars.subscribe"; 3], "the request is not sent again");
    bench.joined(&sent[0], "e", 10);
    bench.joined(&sent[1], "e", 12);
    bench.joined(&sent[2], "f", 3);
    let items: Vec<_> = listeners.iter().map(drain).collect();
    assert_eq!(items[0], ["live", "stale", "live"]);
    assert_eq!(items[1], ["live", "stale", "live", "Away Some(2)"]);
    assert_eq!(items[2], ["live", "stale", "live", "NewEpoch None"]);
}

#[test]
fn a_fault_is_not_repeated_and_costs_nobody_else() {
    let mut bench = Bench::open();
    let (good, bad, after) = (listener(), listener(), listener());
    for (name, listener) in [("A", &good), ("bad", &bad), ("B", &after)] {
        bench.core.subscribe(bench.now, ask(name), listener).unwrap();
    }
    let sent = bench.sent();
    bench.joined(&sent[0], "e", 0);
    bench.cut(1003, "Could not validate payload");
    assert_eq!(drain(&bad), ["refused invalid", "end"]);
    bench.reopen();
    let symbols: Vec<_> = bench.sent().iter().map(|message| message["payload"]["symbol"].clone()).collect();
    assert_eq!(symbols, ["A", "B"]);
    assert_eq!(drain(&good), ["live", "stale"]);
    assert_eq!(drain(&after), [] as [&str; 0]);
}

#[test]
fn a_fault_that_is_answered_ends_its_subscription_only() {
    let mut bench = Bench::open();
    let bad = listener();
    let (_, status) = bench.core.subscribe(bench.now, ask("bad"), &bad).unwrap();
    let sent = bench.sent();
    let fault = json!({ "status": "error", "code": "invalid", "message": "m", "retryable": false });
    bench.text(&json!({ "type": "error", "id": sent[0]["id"], "payload": fault }));
    assert_eq!(drain(&bad), ["refused invalid", "end"]);
    assert_eq!(*status.borrow(), Status::Refused(Refusal::new("invalid", "m")));
    bench.cut(1001, "");
    bench.reopen();
    assert_eq!(bench.sent(), [] as [Value; 0]);
}

#[test]
fn a_request_without_a_reply_is_known_to_be_read_and_can_be_the_fault() {
    let mut bench = Bench::open();
    let send = |bench: &mut Bench| {
        let (outcome, told) = oneshot::channel();
        bench.core.request(bench.now, Call { kind: "note".into(), payload: None, reply: false }, outcome);
        told
    };
    let mut told = send(&mut bench);
    let sent = bench.sent();
    assert_eq!(types(&sent), ["note", "ping"]);
    bench.text(&json!({ "type": "ping.response", "id": sent[1]["id"], "payload": { "time": 1 } }));
    assert!(matches!(told.try_recv(), Ok(Ok(_))));
    let (mut told, innocent) = (send(&mut bench), listener());
    bench.core.subscribe(bench.now, ask("A"), &innocent).unwrap();
    bench.sent();
    bench.cut(1003, "No matching type");
    assert!(matches!(told.try_recv(), Ok(Err(RequestError::Fault(fault))) if fault.code() == "unknown_type"));
    bench.reopen();
    assert_eq!(types(&bench.sent()), ["bars.subscribe"]);
}

#[test]
fn a_request_that_was_never_answered_is_not_blamed_for_a_later_fault() {
    let mut bench = Bench::open();
    let (_, mut told) = bench.request("has.no.reply");
    assert_eq!(types(&bench.sent()), ["has.no.reply"]);
    bench.pass(SECOND * 10);
    let sent = bench.sent();
    assert!(matches!(told.try_recv(), Ok(Err(RequestError::Unknown(Doubt::TimedOut)))));
    bench.text(&json!({ "type": "ping.response", "id": sent[0]["id"], "payload": { "time": 1 } }));
    let bad = listener();
    bench.core.subscribe(bench.now, ask("bad"), &bad).unwrap();
    bench.sent();
    bench.cut(1003, "Could not validate payload");
    assert_eq!(drain(&bad), ["refused invalid", "end"]);
}

#[test]
fn a_time_limit_is_nobodys_fault_and_makes_the_client_ping_sooner() {
    let mut bench = Bench::open();
    let quiet = listener();
    bench.core.subscribe(bench.now, ask("A"), &quiet).unwrap();
    bench.sent();
    bench.cut(1003, "Connection timed out. Heartbeat interval 6.0. Max connection lifespan unset");
    bench.reopen();
    assert_eq!(types(&bench.sent()), ["bars.subscribe"]);
    bench.pass(SECOND * 2);
    assert_eq!(types(&bench.sent()), ["ping"]);
}

#[test]
fn a_refusal_that_is_retryable_is_retried_when_the_server_says() {
    let mut bench = Bench::open();
    let patient = listener();
    let (_, status) = bench.core.subscribe(bench.now, ask("A"), &patient).unwrap();
    let sent = bench.sent();
    let refusal = |id: &Value, retry: Value| {
        let mut payload = json!({ "status": "error", "code": "rate_limited", "message": "m", "retryable": true });
        payload["retry_after_ms"] = retry;
        json!({ "type": "bars.subscribe.response", "id": id, "payload": payload })
    };
    bench.text(&refusal(&sent[0]["id"], json!(1500)));
    assert!(matches!(&*status.borrow(), Status::Retrying(refusal) if refusal.code() == "rate_limited"));
    bench.pass(Duration::from_millis(1499));
    assert_eq!(bench.sent(), [] as [Value; 0]);
    bench.pass(Duration::from_millis(501));
    let sent = bench.sent();
    bench.joined(&sent[0], "e", 0);
    let end = json!({ "code": "unavailable", "message": "m", "retryable": true, "retry_after_ms": 200 });
    bench.text(&json!({ "type": "bars.unsubscribed", "topic": ask("A").name, "payload": end }));
    bench.pass(Duration::from_millis(199));
    assert_eq!(bench.sent(), [] as [Value; 0]);
    bench.pass(SECOND);
    let sent = bench.sent();
    bench.joined(&sent[0], "e", 2);
    bench.text(&json!({ "type": "bars.unsubscribed", "topic": ask("A").name, "payload": { "code": "forbidden", "message": "m", "retryable": false } }));
    assert_eq!(
        drain(&patient),
        ["refused rate_limited", "live", "ended unavailable", "live", "Away Some(2)", "ended forbidden", "end"]
    );
}

#[test]
fn a_handler_that_always_fails_does_not_take_the_others_along_every_time() {
    let mut bench = Bench::open();
    let (poison, other) = (listener(), listener());
    bench.core.subscribe(bench.now, ask("poison"), &poison).unwrap();
    bench.core.subscribe(bench.now, ask("B"), &other).unwrap();
    bench.sent();
    bench.cut(1011, "A handler failed");
    assert_eq!(drain(&poison), ["refused internal"]);
    let symbols =
        |bench: &mut Bench| bench.sent().iter().map(|message| message["payload"]["symbol"].clone()).collect::<Vec<_>>();
    // Its own wait, not the connection's, says when it is tried again.
    while !matches!(bench.core.phase(), Phase::Connecting { .. }) {
        bench.pass(Duration::from_millis(1));
    }
    bench.core.opened(bench.now);
    let burst = symbols(&mut bench);
    assert!(burst.contains(&json!("B")));
    bench.pass(SECOND);
    assert_eq!(burst.len() + symbols(&mut bench).len(), 2);
}

#[test]
fn requests_wait_in_a_bounded_queue_and_time_out_as_what_they_are() {
    let mut bench = Bench::new();
    let mut told: Vec<_> = (0..5).map(|_| bench.request("x").1).collect();
    assert!(matches!(told[4].try_recv(), Ok(Err(RequestError::NotSent(NotSent::QueueFull { limit: 4 })))));
    bench.pass(SECOND * 10);
    assert!(matches!(told[0].try_recv(), Ok(Err(RequestError::NotSent(NotSent::TimedOut)))));
    bench.reopen();
    assert_eq!(bench.sent(), [] as [Value; 0], "what was given up is not sent");
    let (_, mut told) = bench.request("x");
    let id = bench.sent()[0]["id"].clone();
    bench.pass(SECOND * 10);
    assert!(matches!(told.try_recv(), Ok(Err(RequestError::Unknown(Doubt::TimedOut)))));
    bench.text(&json!({ "type": "x.response", "id": id, "payload": 1 }));
    let (number, _) = bench.request("x");
    bench.core.forget(number);
    assert!(!types(&bench.sent()).contains(&"x"), "nobody waits for it");
}

#[test]
fn subscriptions_that_are_not_sent_yet_take_no_place_of_requests() {
    let mut bench = Bench::open();
    let listener = listener();
    for at in 0..10 {
        bench.core.subscribe(bench.now, ask(&at.to_string()), &listener).unwrap();
    }
    let mut told: Vec<_> = (0..5).map(|_| bench.request("x").1).collect();
    let full = |told: &mut oneshot::Receiver<Outcome>| {
        matches!(told.try_recv(), Ok(Err(RequestError::NotSent(NotSent::QueueFull { limit: 4 }))))
    };
    assert_eq!(told.iter_mut().map(full).collect::<Vec<_>>(), [false, false, false, false, true]);
    assert_eq!(bench.sent().len(), 14);
    assert!(!full(&mut bench.request("x").1));
}

#[test]
fn what_was_not_handed_over_is_sent_on_the_next_connection() {
    let mut bench = Bench::open();
    let (_, mut first) = bench.request("first");
    let (_, mut second) = bench.request("second");
    assert!(bench.core.pop().unwrap().contains("first"));
    bench.cut(1006, "");
    assert!(matches!(first.try_recv(), Ok(Err(error)) if error.is_unknown()));
    bench.reopen();
    let sent = bench.sent();
    assert_eq!(types(&sent), ["second"]);
    bench.text(&json!({ "type": "second.response", "id": sent[0]["id"], "payload": 7 }));
    assert_eq!(second.try_recv().unwrap().unwrap().as_ref(), "7");
}

#[test]
fn silence_after_a_ping_ends_the_connection() {
    let mut bench = Bench::open();
    bench.pass(SECOND * 10);
    let ping = bench.sent();
    assert_eq!(types(&ping), ["ping"]);
    bench.now += Duration::from_millis(30);
    bench.text(&json!({ "type": "ping.response", "id": ping[0]["id"], "payload": { "time": 1 } }));
    assert_eq!(bench.core.latency(), Some(Duration::from_millis(30)));
    bench.pass(SECOND * 10);
    bench.pass(SECOND * 5);
    let connection = bench.core.connection();
    assert!(matches!(&*connection.borrow(), Connection::Waiting { why, .. } if why.cause == Cause::Silent));
}

#[test]
fn waits_grow_and_begin_anew_after_a_connection_that_lasted() {
    let mut bench = Bench::new();
    let failures = |bench: &Bench| match &*bench.core.connection().borrow() {
        Connection::Waiting { failures, .. } => *failures,
        _ => 0,
    };
    for expected in 1..6 {
        bench.core.ended(bench.now, Disconnect::new(Cause::Unreachable, ""));
        assert_eq!(failures(&bench), expected);
        while !matches!(bench.core.phase(), Phase::Connecting { .. }) {
            bench.pass(SECOND);
        }
    }
    bench.core.opened(bench.now);
    bench.now += SECOND * 10;
    bench.core.ended(bench.now, Disconnect::new(Cause::Lost, ""));
    assert_eq!(failures(&bench), 1);
}

#[test]
fn closing_ends_every_stream_and_every_request() {
    let mut bench = Bench::open();
    let (reader, pushes) = (listener(), listener());
    let (_, status) = bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
    bench.core.listen_pushes("notice", &pushes);
    bench.text(&json!({ "type": "notice", "payload": "hello" }));
    let (_, mut sent) = bench.request("x");
    bench.sent();
    let (_, mut unsent) = bench.request("x");
    bench.core.close(bench.now);
    assert_eq!(drain(&reader), ["end"]);
    assert_eq!(drain(&pushes), ["live", "\"hello\"", "end"]);
    assert_eq!(*status.borrow(), Status::Closed);
    assert!(matches!(sent.try_recv(), Ok(Err(RequestError::Unknown(Doubt::Closed)))));
    assert!(matches!(unsent.try_recv(), Ok(Err(RequestError::NotSent(NotSent::Closed)))));
    assert!(bench.core.subscribe(bench.now, ask("A"), &reader).is_err());
    bench.pass(SECOND * 2);
    assert_eq!(bench.core.phase(), Phase::Closed);
}

mod bounds;
mod contract;
mod model;
