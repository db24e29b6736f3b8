//! What a server can bring a client to do, and what not.

use super::*;

#[test]
fn a_subscription_that_is_not_answered_is_asked_for_again_and_a_late_answer_counts() {
    let mut bench = Bench::open();
    let reader = listener();
    let (number, status) = bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
    let first = bench.sent();
    bench.pass(SECOND * 10);
    assert!(matches!(&*status.borrow(), Status::Retrying(refusal) if refusal.code() == "timeout"));
    let mut asked = 0;
    for _ in 0..1_000 {
        bench.pass(SECOND);
        asked += bench.sent().iter().filter(|message| message["type"] == "bars.subscribe").count();
        bench.core.heard(bench.now);
    }
    // After 10 s each, and waits that grow to 30 s.
    assert!((20..100).contains(&asked), "{asked}");
    let waiting = bench.core.unanswered.iter().filter(|other| other.asked == Asked::Subscribe(number)).count();
    assert_eq!(waiting, 1, "asking again takes no memory");
    drain(&reader);
    bench.joined(&first[0], "e", 4);
    bench.text(&json!({ "type": "bars.snapshot", "topic": ask("A").name, "seq": 4, "payload": 7 }));
    assert_eq!(drain(&reader), ["live", "snapshot 7"]);
    bench.core.unsubscribe(number, &reader);
    assert!(types(&bench.sent()).contains(&"bars.unsubscribe"));
}

#[test]
fn a_subscription_that_was_given_up_unanswered_is_left() {
    let mut bench = Bench::open();
    let reader = listener();
    let (number, _) = bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
    bench.sent();
    bench.pass(SECOND * 10);
    bench.sent();
    bench.core.unsubscribe(number, &reader);
    assert_eq!(types(&bench.sent()), ["bars.unsubscribe"], "the server may still subscribe this client");
}

#[test]
fn the_second_of_two_answers_counts_where_the_first_is_a_refusal() {
    let mut bench = Bench::open();
    let reader = listener();
    bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
    bench.pass(SECOND * 10);
    bench.pass(SECOND);
    let asked: Vec<_> = bench.sent().into_iter().filter(|message| message["type"] == "bars.subscribe").collect();
    assert_eq!(asked.len(), 1, "what was not sent is not queued twice");
    bench.core.heard(bench.now);
    bench.pass(SECOND * 10);
    bench.core.heard(bench.now);
    bench.pass(SECOND * 2);
    let again: Vec<_> = bench.sent().into_iter().filter(|message| message["type"] == "bars.subscribe").collect();
    assert_eq!(again, asked);
    drain(&reader);
    let no = json!({ "status": "error", "code": "unavailable", "message": "m", "retryable": true });
    bench.text(&json!({ "type": "bars.subscribe.response", "id": asked[0]["id"], "payload": no }));
    bench.joined(&again[0], "e", 1);
    assert_eq!(drain(&reader), ["refused unavailable", "live"]);
}

#[test]
fn an_agreement_without_the_topic_is_a_fault() {
    for (payload, why) in [
        (json!({ "status": "ok", "message": "" }), "the reply names no topic"),
        (json!({}), "the reply is neither an agreement nor a refusal"),
    ] {
        let mut bench = Bench::open();
        let reader = listener();
        let (_, status) = bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
        let sent = bench.sent();
        bench.text(&json!({ "type": "bars.subscribe.response", "id": sent[0]["id"], "payload": payload }));
        assert_eq!(drain(&reader), ["refused invalid_reply", "end"]);
        assert_eq!(*status.borrow(), Status::Refused(Refusal::new("invalid_reply", why)));
        assert_eq!(types(&bench.sent()), ["bars.unsubscribe"]);
    }
}

#[test]
fn a_server_that_agrees_and_takes_it_back_is_asked_less_and_less() {
    let mut bench = Bench::open();
    let reader = listener();
    bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
    let mut asked = 0;
    for _ in 0..600_000 {
        for message in bench.sent().iter().filter(|message| message["type"] == "bars.subscribe") {
            asked += 1;
            bench.joined(message, "e", 0);
            let end = json!({ "code": "reset", "message": "m", "retryable": true, "retry_after_ms": 0 });
            bench.text(&json!({ "type": "bars.unsubscribed", "topic": ask("A").name, "payload": end }));
        }
        bench.core.heard(bench.now);
        bench.pass(Duration::from_millis(1));
    }
    // At most every 100 ms would be 6,000 in ten minutes.
    assert!((20..100).contains(&asked), "{asked}");
}

#[test]
fn a_token_that_lasted_a_minute_was_accepted() {
    let mut bench = Bench::open();
    let reader = listener();
    bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
    for _ in 0..5 {
        bench.now += SECOND * 60;
        bench.cut(1008, "Token revoked");
        bench.reopen();
    }
    let (_, mut told) = bench.request("x");
    bench.cut(1008, "Token revoked");
    assert_eq!(told.try_recv().unwrap(), Err(RequestError::Refused(Refusal::new("unauthenticated", "Token revoked"))));
    assert_eq!(drain(&reader).last().unwrap(), "end");
    assert_eq!(bench.core.phase(), Phase::Closed);
    assert!(matches!(&*bench.core.connection().borrow(), Connection::Stopped(why) if why.reason == "Token revoked"));
}

#[test]
fn a_server_that_sends_and_does_not_read_is_left() {
    let mut bench = Bench::open();
    let reader = listener();
    bench.core.subscribe(bench.now, ask("A"), &reader).unwrap();
    bench.pass(SECOND * 10);
    assert_eq!(bench.sent().len(), 2, "it reads for ten seconds");
    for _ in 0..20 {
        assert!(matches!(bench.core.phase(), Phase::Open { .. }));
        bench.pass(SECOND);
        bench.core.heard(bench.now);
    }
    let connection = bench.core.connection();
    assert!(matches!(&*connection.borrow(), Connection::Waiting { why, .. } if why.cause == Cause::NotReading));
}

#[test]
fn what_is_larger_than_what_is_sent_is_refused_at_once() {
    let mut bench = Bench::open();
    let large = "A".repeat(1 << 20);
    assert!(bench.core.subscribe(bench.now, ask(&large), &listener()).is_err_and(|error| error.is_request()));
    let (outcome, mut told) = oneshot::channel();
    bench.core.request(
        bench.now,
        Call { kind: "x".into(), payload: Some(format!("\"{large}\"")), reply: true },
        outcome,
    );
    let too_big = NotSent::TooBig { bytes: (1 << 20) + 2, limit: 1 << 20 };
    assert_eq!(told.try_recv().unwrap(), Err(RequestError::NotSent(too_big)));
    assert_eq!(bench.sent(), [] as [Value; 0]);
}
