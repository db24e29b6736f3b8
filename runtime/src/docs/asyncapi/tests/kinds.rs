//! What the documents say of a channel's kind and of how a subscription starts.

use serde_json::{Value, json};

use super::{check, documents::Direction, documents_of, fixture::surface};
use crate::{declare::row_checksum, profile::Profile};

#[test]
fn an_update_and_a_snapshot_are_those_of_the_kind() {
    let best = |kind: &str, payload: Value, expected: &[&str]| {
        let frame = json!({ "type": kind, "topic": "best:{}", "seq": 3, "payload": payload });
        check(Direction::FromServer, &frame, expected);
    };
    best("best.update", json!({ "price": 1 }), &["best.update"]);
    best("best.snapshot", json!({ "price": 1 }), &["best.snapshot"]);
    best("best.update", json!(null), &[]);
    // Only events are skipped: the newest value includes the values before it.
    let skipped =
        json!({ "type": "best.update", "topic": "best:{}", "seq": 3, "skipped": 1, "payload": { "price": 1 } });
    check(Direction::FromServer, &skipped, &[]);

    let row = json!({ "side": "buy", "px": 7, "size": 0.5 });
    let key = json!({ "side": "sell", "px": 8 });
    let book = |kind: &str, payload: Value, is_described: bool| {
        let frame = json!({ "type": kind, "topic": "book:{}", "seq": 3, "payload": payload });
        let expected: &[&str] = if is_described { &[kind] } else { &[] };
        check(Direction::FromServer, &frame, expected);
    };
    let update = "book.update";
    book(update, json!({ "set": [row], "remove": [key], "checksum": 0 }), true);
    book(update, json!({ "set": [row], "checksum": u32::MAX }), true);
    book(update, json!({ "remove": [key, key], "checksum": 1 }), true);
    book(update, json!({ "set": [row] }), false);
    book(update, json!({ "checksum": 1 }), false);
    book(update, json!({ "set": [], "checksum": 1 }), false);
    book(update, json!({ "set": [key], "checksum": 1 }), false);
    book(update, json!({ "remove": [row], "checksum": 1 }), false);
    book(update, json!({ "set": [row], "checksum": 4_294_967_296_u64 }), false);
    book("book.snapshot", json!({ "set": [], "checksum": 0 }), true);
    book("book.snapshot", json!({ "set": [row, row], "checksum": 1 }), true);
    book("book.snapshot", json!({ "set": [row] }), false);
    book("book.snapshot", json!({ "set": [row], "remove": [key], "checksum": 1 }), false);

    let holdings = |kind: &str, payload: Value, expected: &[&str]| {
        let frame = json!({ "type": kind, "topic": "holdings:{}", "seq": 3, "payload": payload });
        check(Direction::FromServer, &frame, expected);
    };
    holdings("holdings.update", json!({ "remove": [{ "symbol": "A" }] }), &["holdings.update"]);
    holdings("holdings.update", json!({}), &[]);
    holdings("holdings.update", json!({ "remove": [{}] }), &[]);
    holdings("holdings.snapshot", json!({ "set": [] }), &["holdings.snapshot"]);
    holdings("holdings.snapshot", json!({ "set": [], "checksum": 1 }), &[]);
}

#[test]
fn a_subscription_starts_as_its_kind_allows() {
    let position = json!({ "epoch": "e", "seq": 0 });
    let subscribe = |route: &str, member: &str, value: Value, is_described: bool| {
        let key = format!("{route}.subscribe");
        let payload = if route == "holdings" { json!({}) } else { json!({ "symbol": "A" }) };
        let frame = json!({ "type": key, "payload": payload, member: value });
        let expected: &[&str] = if is_described { &[&key] } else { &[] };
        check(Direction::FromClient, &frame, expected);
    };
    for route in ["bars", "quotes", "best", "book", "holdings"] {
        subscribe(route, "recover", position.clone(), true);
        subscribe(route, "recover", json!(null), true);
        subscribe(route, "recover", json!({ "epoch": "", "seq": 9_007_199_254_740_991_u64, "more": 1 }), true);
        for wrong in [json!({}), json!([]), json!("e"), json!({ "epoch": "e" }), json!({ "epoch": 1, "seq": 1 })] {
            subscribe(route, "recover", wrong, false);
        }
        for seq in [json!(-1), json!(0.5), json!(null), json!(9_007_199_254_740_992_u64)] {
            subscribe(route, "recover", json!({ "epoch": "e", "seq": seq }), false);
        }
    }
    for (member, route, right, wrong) in [
        ("rewind", "bars", [json!(1), json!(1000), json!(null)], [json!(0), json!(1001), json!(1.5)]),
        ("max_rate", "best", [json!(0.1), json!(1000), json!(null)], [json!(0), json!(0.09), json!(1001)]),
        ("max_rate", "holdings", [json!(0.1), json!(1000), json!(null)], [json!(0), json!("1"), json!(1001)]),
    ] {
        right.into_iter().for_each(|value| subscribe(route, member, value, true));
        wrong.into_iter().for_each(|value| subscribe(route, member, value, false));
    }
    let documents = documents_of(&surface(Profile::modern()));
    let messages = &documents.v3()["components"]["messages"];
    let starts = |key: &str| {
        let members = messages[key]["payload"]["properties"].as_object().unwrap();
        let names = members.keys().map(String::as_str);
        names
            .filter(|name| ["recover", "rewind", "max_rate", "recovered", "snapshot"].contains(name))
            .collect::<Vec<_>>()
    };
    for (route, request, reply) in [
        ("bars", &["recover", "rewind"][..], &["recovered"][..]),
        ("quotes", &["recover"], &["recovered"]),
        ("orders", &["recover"], &["recovered", "snapshot"]),
        ("best", &["recover", "max_rate"], &["recovered", "snapshot"]),
        ("book", &["recover", "max_rate"], &["recovered", "snapshot"]),
    ] {
        assert_eq!(starts(&format!("{route}.subscribe")), request);
        assert_eq!(starts(&format!("{route}.subscribe.response")), reply);
        assert_eq!(starts(&format!("{route}.unsubscribe")), [""; 0]);
        assert_eq!(starts(&format!("{route}.unsubscribe.response")), [""; 0]);
    }
}

#[test]
fn a_reply_says_what_follows() {
    let reply = |member: &str, value: Value| {
        let payload = json!({ "status": "ok", "symbol": "A", "message": "", "topic": "book:{}" });
        let mut frame = json!({ "type": "book.subscribe.response", "epoch": "e", "seq": 1, "payload": payload });
        frame[member] = value;
        frame
    };
    let check = |frame: Value, expected: &[&str]| check(Direction::FromServer, &frame, expected);
    for recovered in [true, false] {
        check(reply("recovered", json!(recovered)), &["book.subscribe.response"]);
    }
    check(reply("snapshot", json!(true)), &["book.subscribe.response"]);
    check(reply("snapshot", json!(false)), &[]);
    check(reply("recovered", json!(1)), &[]);
}

#[test]
fn an_update_names_its_kind_in_both_versions() {
    let documents = documents_of(&surface(Profile::modern()));
    for document in [documents.v2(), documents.v3()] {
        let messages = document["components"]["messages"].as_object().unwrap();
        let kind = |key: &str| messages[key].get("x-topicast").map(Value::to_string).unwrap_or_default();
        assert_eq!(kind("bars.update"), r#"{"kind":"events","history":{"count":1000,"age_ms":300000}}"#);
        assert_eq!(kind("orders.update"), r#"{"kind":"events"}"#);
        assert_eq!(kind("best.update"), r#"{"kind":"latest"}"#);
        assert_eq!(kind("book.update"), r#"{"kind":"table","key":["side","px"],"checksum":true}"#);
        assert_eq!(kind("holdings.update"), r#"{"kind":"table","key":["symbol"]}"#);
        let others = messages.keys().filter(|key| !key.ends_with(".update"));
        assert!(others.into_iter().all(|key| kind(key).is_empty()));
    }
}

/// A tool that sends the examples sends a checksum that clients accept.
#[test]
fn the_checksum_of_an_example_is_that_of_its_rows() {
    let documents = documents_of(&surface(Profile::modern()));
    for key in ["book.snapshot", "book.update"] {
        let payload = &documents.v3()["components"]["messages"][key]["examples"][0]["payload"]["payload"];
        let rows = payload["set"].as_array().unwrap();
        let sum = rows.iter().map(|row| row_checksum(row.to_string().as_bytes()).unwrap()).fold(0, u32::wrapping_add);
        assert!(!rows.is_empty());
        assert_eq!(payload["checksum"], sum, "{key}");
    }
}

#[test]
fn a_subscription_may_end_because_the_epoch_changed() {
    let end = |code: &str| {
        let payload = json!({ "code": code, "message": "", "retryable": true, "retry_after_ms": 1 });
        json!({ "type": "book.unsubscribed", "topic": "book:{}", "payload": payload })
    };
    check(Direction::FromServer, &end("reset"), &["book.unsubscribed"]);
    check(Direction::FromServer, &end("forbidden"), &["book.unsubscribed"]);
    check(Direction::FromServer, &end("no_such_code"), &[]);
}
