//! What each kind of channel sends to the server, and passes on to its listeners.

use super::*;
use crate::{position::Position, table::TableShape};

const TOPIC: &str = "book:{}";

fn book(shape: Shape) -> SubscribeRequest {
    SubscribeRequest {
        topic: TOPIC.to_owned(),
        route: "book",
        payload: "{}".into(),
        shape,
        options: SubscribeOptions::default(),
    }
}

const LEVELS: Shape = Shape::Table(TableShape { key: &["price"], checksum: true });

/// The checksum of the row `{"price":1}`.
fn checksum() -> u32 {
    topicast::__private::row_checksum(br#"{"price":1}"#).unwrap()
}

impl Harness {
    fn listen(&mut self, shape: Shape) -> (u64, Listener) {
        let listener = listener();
        let (number, _) = self.state.subscribe(self.now, book(shape), &listener).unwrap();
        (number, listener)
    }

    /// Accepts the subscribe request that was sent last, and returns it.
    fn accept(&mut self, more: &Value) -> Value {
        let request = self.sent().into_iter().rfind(|sent| sent["type"] == "book.subscribe").expect("a request");
        let mut reply = json!({ "type": "book.subscribe.response", "id": request["id"], "epoch": "e" });
        reply["payload"] = json!({ "status": "ok", "topic": TOPIC });
        reply.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.text(&reply);
        request
    }

    fn about(&mut self, operation: &str, seq: u64, payload: &Value) {
        let kind = format!("book.{operation}");
        self.text(&json!({ "type": kind, "topic": TOPIC, "seq": seq, "payload": payload }));
    }

    fn status(&self, number: u64) -> Status {
        self.state.topics[&number].status().borrow().clone()
    }
}

#[test]
fn every_reconnect_states_the_position_and_a_recovery_is_no_gap() {
    for shape in [Shape::Events, Shape::Latest, LEVELS] {
        let mut client = Harness::open();
        let (_, reader) = client.listen(shape);
        let first = client.accept(&json!({ "seq": 4 }));
        assert_eq!(first["recover"], Value::Null, "a client without a position omits it");
        client.about("update", 5, &json!({ "set": [] }));
        drain(&reader);
        client.cut(1006, "");
        client.reopen();
        let request = client.accept(&json!({ "seq": 5, "recovered": true }));
        assert_eq!(request["recover"], json!({ "epoch": "e", "seq": 5 }));
        client.about("update", 6, &json!({ "set": [] }));
        assert_eq!(drain(&reader), ["stale", "live", r#"{"set":[]}"#], "{shape:?}");
        client.about("unsubscribed", 0, &json!({ "code": "unavailable", "message": "", "retryable": true }));
        client.pass(SECOND);
        let request = client.accept(&json!({ "seq": 9, "epoch": "f", "recovered": false }));
        assert_eq!(request["recover"], json!({ "epoch": "e", "seq": 6 }), "the client subscribes again by itself");
        assert_eq!(drain(&reader), ["ended unavailable", "live", "NewEpoch None"], "{shape:?}");
    }
}

#[test]
fn a_reset_topic_is_subscribed_to_from_scratch() {
    let mut client = Harness::open();
    let (_, reader) = client.listen(Shape::Events);
    client.accept(&json!({ "seq": 4 }));
    client.about("unsubscribed", 0, &json!({ "code": "reset", "message": "", "retryable": true }));
    client.pass(SECOND);
    let request = client.accept(&json!({ "seq": 0, "epoch": "f" }));
    assert_eq!(request["recover"], Value::Null);
    assert_eq!(drain(&reader), ["live", "ended reset", "live", "NewEpoch None"]);
}

#[test]
fn a_subscription_is_live_when_the_announced_snapshot_is_there() {
    for shape in [Shape::Events, Shape::Latest, LEVELS] {
        let mut client = Harness::open();
        let (number, reader) = client.listen(shape);
        client.accept(&json!({ "seq": 4, "snapshot": true }));
        assert_eq!((client.status(number), drain(&reader)), (Status::Joining, vec![]));
        client.cut(1006, "");
        client.reopen();
        let request = client.accept(&json!({ "seq": 4, "snapshot": true }));
        assert_eq!(request["recover"], Value::Null, "there is no position before the snapshot");
        client.about("snapshot", 4, &json!({ "set": [] }));
        assert_eq!(client.status(number), Status::Live);
        assert_eq!(drain(&reader).len(), 2, "{shape:?}");
    }
}

#[test]
fn a_repeated_reply_does_not_move_the_position() {
    let mut client = Harness::open();
    let (number, reader) = client.listen(Shape::Events);
    client.pass(SECOND * 10);
    client.pass(SECOND);
    let request = client.accept(&json!({ "seq": 4 }));
    client.about("update", 5, &json!(1));
    let repeated = json!({ "status": "ok", "topic": TOPIC });
    client.text(
        &json!({ "type": "book.subscribe.response", "id": request["id"], "epoch": "e", "seq": 9, "payload": repeated }),
    );
    client.about("update", 6, &json!(2));
    assert_eq!(drain(&reader), ["refused timeout", "live", "1", "2"]);
    assert_eq!(client.state.topics[&number].position(), Some(&Position::new("e".into(), 6)));
}

#[test]
fn a_wrong_checksum_is_reported_and_the_table_is_requested_from_scratch() {
    let mut client = Harness::open();
    let (number, reader) = client.listen(LEVELS);
    let events = Arc::new(Buffer::new(Buffering::default()));
    client.state.listen_events(&events);
    client.accept(&json!({ "seq": 1, "snapshot": true }));
    client.about("snapshot", 1, &json!({ "set": [{ "price": 1 }], "checksum": checksum() }));
    assert_eq!(drain(&reader), ["live", r#"rows {"price":1}"#]);
    client.about("update", 2, &json!({ "remove": [{ "price": 1 }], "checksum": 7 }));
    assert_eq!(drain(&reader), ["mismatch false"], "the change is not passed on");
    assert!(matches!(client.status(number), Status::Retrying(refusal) if refusal.code() == "mismatch"));
    let Poll::Ready(Some(Taken::Item(Event::ServerFault(fault)))) =
        events.poll_take(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("a fault");
    };
    assert_eq!(fault, "book:{}: the checksum is 0 and the server sent 7; the table is requested again");
    client.about("update", 3, &json!({ "set": [{ "price": 2 }] }));
    assert_eq!(types(&client.sent()), ["book.unsubscribe"]);
    client.pass(SECOND);
    let request = client.accept(&json!({ "seq": 3, "snapshot": true }));
    assert_eq!(request["recover"], Value::Null);
    client.about("snapshot", 3, &json!({ "set": [{ "price": 1 }], "checksum": 8 }));
    assert_eq!(drain(&reader), ["live", "Away Some(1)", "mismatch true", r#"rows {"price":1}"#]);
    client.about("update", 4, &json!({ "remove": [{ "price": 1 }], "checksum": 9 }));
    assert_eq!(drain(&reader).len(), 1, "it is not verified any more");
    assert_eq!((client.status(number), client.sent().len()), (Status::Live, 0));
}

#[test]
fn a_change_that_cannot_be_applied_is_unreadable_and_the_table_is_requested_from_scratch() {
    let mut client = Harness::open();
    let (number, reader) = client.listen(LEVELS);
    client.accept(&json!({ "seq": 1 }));
    client.about("update", 2, &json!({ "set": [{ "size": 1 }] }));
    assert_eq!(drain(&reader), ["live", "unreadable member `price` of the key is missing"]);
    assert!(matches!(client.status(number), Status::Retrying(_)));
    assert_eq!(types(&client.sent()), ["book.unsubscribe"]);
    client.pass(SECOND);
    assert_eq!(client.accept(&json!({ "seq": 1 }))["recover"], Value::Null);
}

#[test]
fn a_listener_that_comes_later_starts_with_the_state() {
    for (shape, state) in [(LEVELS, r#"rows {"price":1}"#), (Shape::Latest, r#"snapshot {"set":[{"price":1}]}"#)] {
        let mut client = Harness::open();
        client.listen(shape);
        client.accept(&json!({ "seq": 1 }));
        client.about("update", 2, &json!({ "set": [{ "price": 1 }] }));
        let (_, later) = client.listen(shape);
        assert_eq!(drain(&later), ["live", state]);
        client.about("unsubscribed", 0, &json!({ "code": "unavailable", "message": "", "retryable": true }));
        let (_, latest) = client.listen(shape);
        client.pass(SECOND);
        client.accept(&json!({ "seq": 2, "recovered": true }));
        assert_eq!(drain(&latest), [state, "live"], "what is recovered is not sent again");
    }
    let mut client = Harness::open();
    client.listen(Shape::Events);
    client.accept(&json!({ "seq": 1 }));
    client.about("update", 2, &json!(1));
    let (_, later) = client.listen(Shape::Events);
    assert_eq!(drain(&later), ["live"], "an event is not the state");
}

#[test]
fn a_state_that_is_obsolete_and_not_replaced_is_gone() {
    for (shape, gone) in [(Shape::Latest, vec![]), (LEVELS, vec!["rows "])] {
        let mut client = Harness::open();
        let (number, reader) = client.listen(shape);
        client.accept(&json!({ "seq": 1 }));
        client.about("update", 2, &json!({ "set": [{ "price": 1 }] }));
        drain(&reader);
        client.cut(1006, "");
        client.reopen();
        client.accept(&json!({ "epoch": "f", "seq": 0, "recovered": false }));
        assert_eq!(drain(&reader), [vec!["stale", "live", "NewEpoch None"], gone].concat());
        assert_eq!((client.state.latest(number), client.state.rows(number).len()), (None, 0));
    }
}

#[test]
fn a_rewind_is_for_the_first_start_and_a_rate_for_every_one() {
    let options = SubscribeOptions { rewind: Some(3), max_rate: Some(0.5), recover: None };
    let mut client = Harness::open();
    let request = SubscribeRequest { options, ..book(Shape::Events) };
    client.state.subscribe(client.now, request.clone(), &listener()).unwrap();
    let first = client.accept(&json!({ "seq": 1 }));
    assert_eq!((&first["rewind"], &first["max_rate"]), (&json!(3), &json!(0.5)));
    client.about("unsubscribed", 0, &json!({ "code": "reset", "message": "", "retryable": true }));
    client.pass(SECOND);
    let second = client.accept(&json!({ "epoch": "f", "seq": 1 }));
    assert_eq!((&second["rewind"], &second["max_rate"]), (&Value::Null, &json!(0.5)));

    client.state.subscribe(client.now, book(Shape::Events), &listener()).unwrap();
    client.state.subscribe(client.now, request.clone(), &listener()).unwrap();
    let other = SubscribeOptions { max_rate: Some(2.0), ..SubscribeOptions::default() };
    let error = client.state.subscribe(client.now, SubscribeRequest { options: other, ..request }, &listener());
    assert_eq!(
        error.unwrap_err().to_string(),
        "book:{}: max_rate is 2, but the topic is subscribed to with 0.5; \
         all subscriptions of a client to a topic share one on the wire"
    );
}

#[test]
fn a_former_run_of_the_program_is_continued() {
    let mut client = Harness::open();
    let position = Position::new("e".into(), 7);
    let options = SubscribeOptions { recover: Some(position), ..SubscribeOptions::default() };
    let reader = listener();
    client.state.subscribe(client.now, SubscribeRequest { options, ..book(Shape::Events) }, &reader).unwrap();
    let request = client.accept(&json!({ "seq": 7, "recovered": true }));
    assert_eq!(request["recover"], json!({ "epoch": "e", "seq": 7 }));
    client.about("update", 8, &json!(1));
    assert_eq!(drain(&reader), ["live", "1"]);
}

#[test]
fn a_position_follows_what_was_read() {
    let mut client = Harness::open();
    let (_, reader) = client.listen(Shape::Events);
    client.accept(&json!({ "seq": 4 }));
    client.about("update", 7, &json!(1));
    client.cut(1006, "");
    client.reopen();
    client.accept(&json!({ "epoch": "f", "seq": 2, "recovered": false }));
    let mut positions = Vec::new();
    while let Poll::Ready(Some(Taken::Item(delivery))) = reader.poll_take(&mut Context::from_waker(Waker::noop())) {
        positions.push(delivery.position.map(|position| position.to_string()));
    }
    // Live, the numbers that are missing, the update, stale, live, the gap.
    let at = |text: &str| Some(text.to_owned());
    assert_eq!(positions, [at("4 of epoch e"), None, at("7 of epoch e"), None, None, at("2 of epoch f")]);
}
