//! What a misbehaving server can make a client do, and what not.

use super::*;

#[test]
fn a_subscription_that_is_not_answered_is_asked_for_again_and_a_late_answer_counts() {
    let mut client = Harness::open();
    let reader = listener();
    let (number, status) = client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
    let first = client.sent();
    client.pass(SECOND * 10);
    assert!(matches!(&*status.borrow(), Status::Retrying(refusal) if refusal.code() == "timeout"));
    let mut asked = 0;
    for _ in 0..1_000 {
        client.pass(SECOND);
        asked += client.sent().iter().filter(|message| message["type"] == "bars.subscribe").count();
        client.state.handle_activity(client.now);
    }
    // Each attempt times out after 10 s, and the backoff grows to 30 s.
    assert!((20..100).contains(&asked), "{asked}");
    let waiting = client.state.pipeline.unanswered_subscribes(number);
    assert_eq!(waiting, 1, "asking again takes no memory");
    drain(&reader);
    client.joined(&first[0], "e", 4);
    client.text(&json!({ "type": "bars.snapshot", "topic": request_for("A").topic, "seq": 4, "payload": 7 }));
    assert_eq!(drain(&reader), ["live", "snapshot 7"]);
    client.state.unsubscribe(number, &reader);
    assert!(types(&client.sent()).contains(&"bars.unsubscribe"));
}

#[test]
fn a_subscription_that_was_given_up_unanswered_is_left() {
    let mut client = Harness::open();
    let reader = listener();
    let (number, _) = client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
    client.sent();
    client.pass(SECOND * 10);
    client.sent();
    client.state.unsubscribe(number, &reader);
    assert_eq!(types(&client.sent()), ["bars.unsubscribe"], "the server may still subscribe this client");
}

#[test]
fn the_second_of_two_answers_counts_where_the_first_is_a_refusal() {
    let mut client = Harness::open();
    let reader = listener();
    client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
    client.pass(SECOND * 10);
    client.pass(SECOND);
    let asked: Vec<_> = client.sent().into_iter().filter(|message| message["type"] == "bars.subscribe").collect();
    assert_eq!(asked.len(), 1, "what was not sent is not queued twice");
    client.state.handle_activity(client.now);
    client.pass(SECOND * 10);
    client.state.handle_activity(client.now);
    client.pass(SECOND * 2);
    let again: Vec<_> = client.sent().into_iter().filter(|message| message["type"] == "bars.subscribe").collect();
    assert_eq!(again, asked);
    drain(&reader);
    let no = json!({ "status": "error", "code": "unavailable", "message": "m", "retryable": true });
    client.text(&json!({ "type": "bars.subscribe.response", "id": asked[0]["id"], "payload": no }));
    client.joined(&again[0], "e", 1);
    assert_eq!(drain(&reader), ["refused unavailable", "live"]);
}

#[test]
fn an_agreement_without_the_topic_is_a_fault() {
    for (payload, why) in [
        (json!({ "status": "ok", "message": "" }), "the reply names no topic"),
        (json!({}), "the reply is neither an agreement nor a refusal"),
    ] {
        let mut client = Harness::open();
        let reader = listener();
        let (_, status) = client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
        let sent = client.sent();
        client.text(&json!({ "type": "bars.subscribe.response", "id": sent[0]["id"], "payload": payload }));
        assert_eq!(drain(&reader), ["refused invalid_reply", "end"]);
        assert_eq!(*status.borrow(), Status::Refused(Refusal::new("invalid_reply", why)));
        assert_eq!(types(&client.sent()), ["bars.unsubscribe"]);
    }
}

#[test]
fn a_server_that_agrees_and_takes_it_back_is_asked_less_and_less() {
    let mut client = Harness::open();
    let reader = listener();
    client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
    let mut asked = 0;
    for _ in 0..600_000 {
        for message in client.sent().iter().filter(|message| message["type"] == "bars.subscribe") {
            asked += 1;
            client.joined(message, "e", 0);
            let end = json!({ "code": "reset", "message": "m", "retryable": true, "retry_after_ms": 0 });
            client.text(&json!({ "type": "bars.unsubscribed", "topic": request_for("A").topic, "payload": end }));
        }
        client.state.handle_activity(client.now);
        client.pass(Duration::from_millis(1));
    }
    // Without backoff there would be 6,000 in ten minutes, one every 100 ms.
    assert!((20..100).contains(&asked), "{asked}");
}

#[test]
fn a_token_that_lasted_a_minute_was_accepted() {
    let mut client = Harness::open();
    let reader = listener();
    client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
    for _ in 0..5 {
        client.now += SECOND * 60;
        client.cut(1008, "Token revoked");
        client.reopen();
    }
    let (_, mut receiver) = client.request("x");
    client.cut(1008, "Token revoked");
    assert_eq!(
        receiver.try_recv().unwrap(),
        Err(RequestError::Refused(Refusal::new("unauthenticated", "Token revoked")))
    );
    assert_eq!(drain(&reader).last().unwrap(), "end");
    assert_eq!(client.state.phase(), Phase::Closed);
    assert!(matches!(&*client.state.connection().borrow(), Connection::Stopped(why) if why.reason == "Token revoked"));
}

#[test]
fn a_server_that_sends_and_does_not_read_is_left() {
    let mut client = Harness::open();
    let reader = listener();
    client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
    client.pass(SECOND * 10);
    assert_eq!(client.sent().len(), 2, "it reads for ten seconds");
    for _ in 0..20 {
        assert!(matches!(client.state.phase(), Phase::Open { .. }));
        client.pass(SECOND);
        client.state.handle_activity(client.now);
    }
    let connection = client.state.connection();
    assert!(matches!(&*connection.borrow(), Connection::Waiting { why, .. } if why.cause == Cause::NotReading));
}

#[test]
fn what_is_larger_than_what_is_sent_is_refused_at_once() {
    let mut client = Harness::open();
    let large = "A".repeat(1 << 20);
    assert!(
        client.state.subscribe(client.now, request_for(&large), &listener()).is_err_and(|error| error.is_request())
    );
    let (outcome, mut receiver) = oneshot::channel();
    client.state.request(
        client.now,
        Call { operation: "x".into(), payload: Some(format!("\"{large}\"")), has_reply: true },
        outcome,
    );
    let too_big = NotSent::TooBig { bytes: (1 << 20) + 2, limit: 1 << 20 };
    assert_eq!(receiver.try_recv().unwrap(), Err(RequestError::NotSent(too_big)));
    assert_eq!(client.sent(), [] as [Value; 0]);
}

#[test]
fn a_delay_beyond_every_number_is_the_longest_one() {
    // JSON allows the number; the TypeScript client reads it as infinity.
    let mut client = Harness::open();
    client.state.handle_text(client.now, r#"{"type":"going_away","payload":{"reconnect_after_ms":1e400}}"#);
    client.cut(1001, "");
    let Phase::Waiting { until } = client.state.phase() else { panic!("it was closed") };
    assert!(until - client.now >= SECOND * 300, "{:?}", until - client.now);
}

#[test]
fn an_application_sees_no_delay_beyond_the_bounds_of_the_client() {
    for (asked, seen) in [("0", 100), ("9007199254740991", 300_000), ("1e400", 300_000)] {
        let mut client = Harness::open();
        let reader = listener();
        let (_, status) = client.state.subscribe(client.now, request_for("A"), &reader).unwrap();
        let (_, mut outcome) = client.request("x");
        let refusal = format!(
            r#"{{"status":"error","code":"rate_limited","message":"m","retryable":true,"retry_after_ms":{asked}}}"#
        );
        for message in client.sent() {
            let (kind, id) = (&message["type"], &message["id"]);
            let text = format!(r#"{{"type":{kind},"id":{id},"payload":{refusal}}}"#);
            client.state.handle_text(client.now, &text);
        }
        let seen = Some(Duration::from_millis(seen));
        assert!(matches!(&*status.borrow(), Status::Retrying(refusal) if refusal.retry_after_hint() == seen));
        let Ok(Err(RequestError::Refused(refusal))) = outcome.try_recv() else { panic!("it was refused") };
        assert_eq!(refusal.retry_after_hint(), seen);
    }
}
