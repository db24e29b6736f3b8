//! Arbitrary bytes from a client end at most its own connection.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::Value;
use topicast::{compat, testing};
use topicast_tests::channels;

/// Generates frames with any header, bodies that are almost messages, and random bytes.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let frame = (any::<u8>(), any::<u8>(), any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 0..140))
        .prop_map(|(first, second, mask, body)| [&[first, second], &mask[..], &body].concat());
    let message = any_message().prop_map(|text| {
        let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
        let mut bytes = vec![0x81, 0x80 | 126];
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&text.as_bytes()[..usize::from(len)]);
        bytes
    });
    prop_oneof![frame, message, prop::collection::vec(any::<u8>(), 0..300)]
}

fn any_message() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        "bars.subscribe",
        "bars.unsubscribe",
        "orders.subscribe",
        "executions.subscribe",
        "status.subscribe",
        "orders.place",
        "notice.me",
        "ping",
        "bars.update",
        "nonsense",
    ]);
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("1e999".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        ".{0,8}".prop_map(|text| Value::String(text).to_string()),
        (1_usize..300).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
    ];
    let key = prop::sample::select(vec!["symbol", "resolution", "params", "accountId", "quantity", "x"]);
    let payload = prop::collection::vec((key, value.clone()), 0..5).prop_map(|members| {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    });
    (kind, prop_oneof![payload, value.clone()], prop::option::of(value)).prop_map(|(kind, payload, id)| match id {
        Some(id) => format!(r#"{{"type":"{kind}","id":{id},"payload":{payload}}}"#),
        None => format!(r#"{{"payload":{payload},"type":"{kind}"}}"#),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_cost_their_own_connection(input in prop::collection::vec(any_bytes(), 1..8), fastws: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let app = std::sync::Arc::default();
            let mut builder = channels::builder(&app);
            if fastws {
                builder = builder.profile(compat::fastws());
            }
            let ws = builder.build().unwrap();
            let mut client = testing::Client::connect(&ws).await.unwrap();
            for bytes in &input {
                client.send_bytes(bytes).await;
            }
            // The server closes the connection, at the latest at the heartbeat limit. Its messages
            // are JSON up to then.
            let end = client.closed().await;
            assert!(matches!(end.code, 1000..=1013 | 3000..=4999), "{end:?}");
            assert_ne!(end.code, 1006, "the stream ended without a close");
            let mut other = testing::Client::connect(&ws).await.unwrap();
            other.settled().await;
        });
    }
}
