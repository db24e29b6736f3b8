//! Requests: bounded, sent at most once, and each with an outcome.

use super::*;

#[test]
fn a_request_without_a_reply_is_known_to_be_read_and_can_be_the_fault() {
    let mut client = Harness::open();
    let send = |client: &mut Harness| {
        let (outcome, receiver) = oneshot::channel();
        client.state.request(client.now, Call { operation: "note".into(), payload: None, has_reply: false }, outcome);
        receiver
    };
    let mut receiver = send(&mut client);
    let sent = client.sent();
    assert_eq!(types(&sent), ["note", "ping"]);
    client.text(&json!({ "type": "ping.response", "id": sent[1]["id"], "payload": { "time": 1 } }));
    assert!(matches!(receiver.try_recv(), Ok(Ok(_))));
    let (mut receiver, innocent) = (send(&mut client), listener());
    client.state.subscribe(client.now, request_for("A"), &innocent).unwrap();
    client.sent();
    client.cut(1003, "No matching type");
    assert!(matches!(receiver.try_recv(), Ok(Err(RequestError::Fault(fault))) if fault.code() == "unknown_type"));
    client.reopen();
    assert_eq!(types(&client.sent()), ["bars.subscribe"]);
}

#[test]
fn a_request_that_was_never_answered_is_not_blamed_for_a_later_fault() {
    let mut client = Harness::open();
    let (_, mut receiver) = client.request("has.no.reply");
    assert_eq!(types(&client.sent()), ["has.no.reply"]);
    client.pass(SECOND * 10);
    let sent = client.sent();
    assert!(matches!(receiver.try_recv(), Ok(Err(RequestError::Unknown(Doubt::TimedOut)))));
    client.text(&json!({ "type": "ping.response", "id": sent[0]["id"], "payload": { "time": 1 } }));
    let bad = listener();
    client.state.subscribe(client.now, request_for("bad"), &bad).unwrap();
    client.sent();
    client.cut(1003, "Could not validate payload");
    assert_eq!(drain(&bad), ["refused invalid", "end"]);
}

#[test]
fn requests_wait_in_a_bounded_queue_and_time_out_as_what_they_are() {
    let mut client = Harness::new();
    let mut receiver: Vec<_> = (0..5).map(|_| client.request("x").1).collect();
    assert!(matches!(receiver[4].try_recv(), Ok(Err(RequestError::NotSent(NotSent::QueueFull { limit: 4 })))));
    client.pass(SECOND * 10);
    assert!(matches!(receiver[0].try_recv(), Ok(Err(RequestError::NotSent(NotSent::TimedOut)))));
    client.reopen();
    assert_eq!(client.sent(), [] as [Value; 0], "what was given up is not sent");
    let (_, mut receiver) = client.request("x");
    let id = client.sent()[0]["id"].clone();
    client.pass(SECOND * 10);
    assert!(matches!(receiver.try_recv(), Ok(Err(RequestError::Unknown(Doubt::TimedOut)))));
    client.text(&json!({ "type": "x.response", "id": id, "payload": 1 }));
    let (number, _) = client.request("x");
    client.state.forget(number);
    assert!(!types(&client.sent()).contains(&"x"), "no caller waits for it");
}

#[test]
fn subscriptions_that_are_not_sent_yet_take_no_place_of_requests() {
    let mut client = Harness::open();
    let listener = listener();
    for at in 0..10 {
        client.state.subscribe(client.now, request_for(&at.to_string()), &listener).unwrap();
    }
    let mut receiver: Vec<_> = (0..5).map(|_| client.request("x").1).collect();
    let full = |receiver: &mut oneshot::Receiver<Outcome>| {
        matches!(receiver.try_recv(), Ok(Err(RequestError::NotSent(NotSent::QueueFull { limit: 4 }))))
    };
    assert_eq!(receiver.iter_mut().map(full).collect::<Vec<_>>(), [false, false, false, false, true]);
    let sent = client.sent();
    assert_eq!(sent.len(), 14);
    assert!(full(&mut client.request("x").1), "four requests are unanswered");
    client.text(&json!({ "type": "x.response", "id": sent[10]["id"], "payload": 1 }));
    assert!(!full(&mut client.request("x").1));
}

#[test]
fn requests_without_an_answer_are_bounded_whether_or_not_their_callers_wait() {
    let mut client = Harness::open();
    let mut outcomes = Vec::new();
    for _ in 0..100 {
        let (id, receiver) = client.request("x");
        client.sent();
        // Half of the callers give up after the request was sent.
        if id.is_multiple_of(2) {
            client.state.forget(id);
        }
        outcomes.push(receiver);
    }
    assert_eq!(client.state.pipeline.requests(), 4);
    let refused = outcomes.iter_mut().filter_map(|outcome| outcome.try_recv().ok());
    let refused: Vec<_> = refused.map(|outcome| outcome.unwrap_err().to_string()).collect();
    assert_eq!(refused, vec!["not sent: 4 requests are waiting, which is the limit"; 96]);
    client.cut(1001, "");
    client.reopen();
    client.request("x");
    assert_eq!(types(&client.sent()), ["x"], "a new connection has no unanswered requests");
}

#[test]
fn what_was_not_handed_over_is_sent_on_the_next_connection() {
    let mut client = Harness::open();
    let (_, mut first) = client.request("first");
    let (_, mut second) = client.request("second");
    assert!(client.state.next_message().unwrap().contains("first"));
    client.cut(1006, "");
    assert!(matches!(first.try_recv(), Ok(Err(error)) if error.is_unknown()));
    client.reopen();
    let sent = client.sent();
    assert_eq!(types(&sent), ["second"]);
    client.text(&json!({ "type": "second.response", "id": sent[0]["id"], "payload": 7 }));
    assert_eq!(second.try_recv().unwrap().unwrap().as_ref(), "7");
}
