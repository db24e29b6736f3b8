//! Faults of form: the server's response under both profiles, and the documents of faults.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use serde_json::json;
use topicast::{Server, compat, testing::Closed};
use topicast_tests::{
    channels::{self, App, Bar, Bars, Resolution},
    client::Client,
};

fn fastws() -> Server {
    let app = Arc::<App>::default();
    channels::builder(&app).profile(compat::fastws()).build().unwrap()
}

fn closed(code: u16, reason: &str) -> Closed {
    // `Closed` has no constructor: a test reads it from a connection.
    Closed { code, reason: reason.to_owned() }
}

/// The faults that every schema of the document refuses, and the code with which the modern profile
/// answers.
const FAULTS: [(&str, &str); 22] = [
    ("not json", "invalid"),
    ("", "invalid"),
    ("[]", "invalid"),
    ("null", "invalid"),
    ("{\"payload\":{}}", "invalid"),
    ("{\"type\":1}", "invalid"),
    ("{\"type\":null}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":{\"symbol\":\"A\"},\"id\":null}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":{\"symbol\":\"A\"},\"id\":1.5}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":{\"symbol\":\"A\"},\"id\":9007199254740992}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":{\"symbol\":\"A\"},\"id\":{}}", "invalid"),
    ("{\"type\":\"bars.subscribe\"}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":null}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":[\"AAPL\",\"1\"]}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":\"AAPL\"}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":{}}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":{\"symbol\":1}}", "invalid"),
    ("{\"type\":\"bars.subscribe\",\"payload\":{\"symbol\":\"A\",\"resolution\":\"7\"}}", "invalid"),
    ("{\"type\":\"bars.update\",\"payload\":{\"time\":1,\"close\":1}}", "unknown_type"),
    ("{\"type\":\"bars.subscribe.response\",\"payload\":{}}", "unknown_type"),
    ("{\"type\":\"unknown.operation\",\"payload\":{}}", "unknown_type"),
    ("{\"type\":\"unknown.operation\",\"payload\":1}", "unknown_type"),
];

/// The faults that no JSON Schema can express, and the reason.
const INEXPRESSIBLE: [(&str, &str); 4] = [
    ("{\"type\":\"ping\",\"type\":\"ping\"}", "a parsed object has no repeated members"),
    ("{\"type\":\"ping\",\"id\":1,\"id\":1}", "a parsed object has no repeated members"),
    ("{\"type\":\"ping\",\"id\":1.0}", "1.0 is an integer to JSON Schema"),
    (
        "{\"type\":\"ping\",\"id\":\"ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\"}",
        "maxLength counts characters and not bytes",
    ),
];

#[tokio::test]
async fn the_modern_profile_answers_and_stays() {
    let (ws, _) = channels::server();
    for (fault, code) in FAULTS {
        let mut client = Client::connect(&ws).await;
        client.send_fault(fault).await;
        let error = client.message().await;
        assert_eq!((&error["type"], &error["payload"]["code"]), (&json!("error"), &json!(code)), "{fault}");
        assert_eq!(error["payload"]["retryable"], false);
        client.send(&json!({ "type": "ping" })).await;
        assert_eq!(client.message().await["type"], "ping.response");
    }
    for (fault, why) in INEXPRESSIBLE {
        let mut client = Client::connect(&ws).await;
        client.send_inexpressible(fault, why).await;
        assert_eq!(client.message().await["payload"]["code"], "invalid", "{fault}");
        client.send(&json!({ "type": "ping" })).await;
        assert_eq!(client.message().await["type"], "ping.response");
    }
}

#[tokio::test]
async fn after_a_bad_frame_a_modern_connection_goes_on_as_before() {
    let (ws, _) = channels::server();
    let aapl = Bars { symbol: "AAPL".into(), resolution: Resolution::M1 };
    let topic = ws.publisher::<Bars>().unwrap().topic(&aapl).unwrap();
    let mut client = Client::connect(&ws).await;
    client.subscribe(&aapl).await;
    for time in 1..=3 {
        // A binary frame, text that is not JSON, and a request, in one segment.
        let frame = |opcode: u8, payload: &[u8]| {
            [&[0x80 | opcode, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0], payload].concat()
        };
        let ping = format!(r#"{{"type":"ping","id":{time}}}"#);
        client.raw().send_bytes(&[frame(2, b"{}"), frame(1, b"{"), frame(1, ping.as_bytes())].concat()).await;
        assert_eq!(client.message().await["payload"]["code"], "invalid");
        assert_eq!(client.message().await["payload"]["code"], "invalid");
        assert_eq!(client.message().await["id"], time);
        // The same for later messages, in both directions.
        topic.publish(&Bar { time, close: 1.0 }).unwrap();
        assert_eq!(client.message().await["seq"], time);
        assert_eq!(client.subscribe(&aapl).await["payload"]["status"], "ok");
    }
    assert_eq!(client.unsubscribe(&aapl).await["payload"]["status"], "ok");
    client.raw().send_bytes(&[0x88, 0x82, 0, 0, 0, 0, 3, 232]).await;
    assert_eq!(client.closed().await.code, 1000);
}

#[tokio::test]
async fn an_error_names_its_request_and_what_was_wrong() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await;
    client.send_fault(r#"{"type":"bars.subscribe","id":"x","payload":{"symbol":"A","resolution":"7"}}"#).await;
    assert_eq!(
        client.message().await,
        json!({ "type": "error", "id": "x", "payload": {
            "status": "error", "code": "invalid", "retryable": false,
            "message": "payload.resolution: unknown variant `7`, expected `1` or `D`",
        }})
    );
}

#[tokio::test]
async fn sixteen_faults_in_a_row_end_a_modern_connection() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await;
    for _ in 0..15 {
        client.send_fault("[]").await;
        client.message().await;
    }
    client.send(&json!({ "type": "ping" })).await;
    client.message().await;
    for _ in 0..16 {
        client.send_fault("[]").await;
        assert_eq!(client.message().await["type"], "error");
    }
    assert_eq!(client.closed().await.code, 1008);
}

#[tokio::test]
async fn fastws_closes_with_its_own_reasons() {
    let ws = fastws();
    for (fault, code) in FAULTS.into_iter().chain(INEXPRESSIBLE.map(|(fault, _)| (fault, "invalid"))) {
        let mut client = Client::connect(&ws).await;
        client.raw().send_text(fault).await;
        let reason = if code == "invalid" { "Could not validate payload" } else { "No matching type" };
        assert_eq!(client.closed().await, closed(1003, reason), "{fault}");
    }
    let mut client = Client::connect(&ws).await;
    client.raw().send_binary(b"{}").await;
    assert_eq!(client.closed().await, closed(1003, "Could not validate payload"));
}

#[tokio::test]
async fn fastws_accepts_nested_requests_as_the_document_describes_them() {
    let ws = fastws();
    let check = async |payload: &str, topic: Option<&str>| {
        let mut client = Client::connect(&ws).await;
        let text = format!(r#"{{"type":"bars.subscribe","payload":{payload}}}"#);
        if let Some(topic) = topic {
            client.send(&serde_json::from_str(&text).unwrap()).await;
            assert_eq!(client.message().await["payload"]["topic"], topic, "{payload}");
        } else {
            client.send_fault(&text).await;
            assert_eq!(client.closed().await, closed(1003, "Could not validate payload"), "{payload}");
        }
    };
    let minute = Some(r#"bars:{"resolution":"1","symbol":"A"}"#);
    let day = Some(r#"bars:{"resolution":"D","symbol":"A"}"#);
    check(r#"{"symbol":"A","params":{"resolution":"D"}}"#, day).await;
    check(r#"{"params":{"resolution":"D","symbol":"A"}}"#, day).await;
    check(r#"{"params":{},"symbol":"A"}"#, minute).await;
    check(r#"{"symbol":"A","resolution":"D","params":{"more":1}}"#, day).await;
    check(r#"{"symbol":"A","resolution":"1","params":{"resolution":"1"}}"#, None).await;
    check(r#"{"symbol":"A","params":"1"}"#, None).await;
    check(r#"{"symbol":"A","params":null}"#, None).await;
    check(r#"{"symbol":"A","params":{"resolution":"7"}}"#, None).await;
    check(r#"{"params":{"resolution":"D"}}"#, None).await;
    let mut client = Client::connect(&ws).await;
    let twice = r#"{"type":"bars.subscribe","payload":{"symbol":"A","params":{},"params":{}}}"#;
    client.send_inexpressible(twice, "a parsed object has no repeated members").await;
    assert_eq!(client.closed().await, closed(1003, "Could not validate payload"));
}

#[tokio::test]
async fn replies_to_earlier_requests_arrive_before_the_close() {
    let ws = fastws();
    let mut client = Client::connect(&ws).await;
    for text in [r#"{"type":"ping","id":1}"#, r#"{"type":"ping","id":2}"#, "not json", r#"{"type":"ping","id":3}"#] {
        client.raw().send_text(text).await;
    }
    assert_eq!((client.message().await["id"].clone(), client.message().await["id"].clone()), (json!(1), json!(2)));
    assert_eq!(client.raw().next().await, Err(closed(1003, "Could not validate payload")));
}

#[tokio::test]
async fn a_request_for_the_wire_is_the_request_of_the_document() {
    let (ws, _) = channels::server();
    let mut client = Client::connect(&ws).await;
    client.send(&json!({ "type": "bars.subscribe", "payload": { "symbol": "A", "unknown": 1 }, "more": [] })).await;
    assert_eq!(client.message().await["payload"]["status"], "ok");
    client.send(&json!({ "type": "ping", "id": "x", "payload": 5 })).await;
    assert_eq!(client.message().await["id"], "x");
    client.subscribe(&Bars { symbol: "Zürich €😀".into(), resolution: Resolution::Day }).await;
}
