//! The contract's tables of close codes and delays, which the documentation repeats.

use serde::Deserialize;

use super::*;

/// A case of `tests/contract/closes.json`.
#[derive(Debug, Deserialize)]
struct Close {
    code: u16,
    last: Option<u16>,
    reason: String,
    kind: String,
    reconnects: String,
    pending: String,
    min_backoff_ms: u64,
}

/// A case of `tests/contract/delays.json`.
#[derive(Debug, Deserialize)]
struct Delay {
    source: String,
    value: Value,
    min_ms: u64,
    max_ms: u64,
}

fn closes() -> Vec<Close> {
    serde_json::from_str(include_str!("../../../../tests/contract/closes.json")).unwrap()
}

fn waiting(client: &Harness) -> Option<Duration> {
    match client.state.phase() {
        Phase::Waiting { until } => Some(until - client.now),
        _ => None,
    }
}

#[test]
fn every_close_is_treated_as_the_contract_says() {
    for case in closes() {
        for code in [case.code, case.last.unwrap_or(case.code)] {
            assert_eq!(Disconnect::closed(Some(code), &case.reason).cause.name(), case.kind, "{case:?}");
            let mut client = Harness::open();
            let (good, pending) = (listener(), listener());
            client.state.subscribe(client.now, request_for("A"), &good).unwrap();
            let sent = client.sent();
            client.joined(&sent[0], "e", 0);
            let (_, status) = client.state.subscribe(client.now, request_for("pending"), &pending).unwrap();
            client.sent();
            client.cut(code, &case.reason);
            let wait = waiting(&client).unwrap();
            let least = Duration::from_millis(case.min_backoff_ms);
            assert!(wait >= least && wait <= least + Duration::from_millis(500), "{case:?}: {wait:?}");
            let found = match &*status.borrow() {
                Status::Joining => "repeated",
                Status::Retrying(_) => "retried",
                Status::Refused(_) => "failed",
                other => panic!("{case:?}: {other:?}"),
            };
            assert_eq!(found, case.pending, "{case:?}");
            client.reopen();
            let burst: Vec<_> = client.sent().iter().map(|message| message["payload"]["symbol"].clone()).collect();
            assert!(burst.contains(&json!("A")), "{case:?}");
            match &*case.pending {
                "repeated" => assert!(burst.contains(&json!("pending")), "{case:?}"),
                "failed" => assert!(!burst.contains(&json!("pending")), "{case:?}"),
                _ => {}
            }
            client.cut(code, &case.reason);
            assert_eq!(waiting(&client).is_some(), case.reconnects == "always", "{case:?}");
        }
    }
}

#[test]
fn every_delay_that_a_server_sets_is_within_its_bounds() {
    let cases: Vec<Delay> = serde_json::from_str(include_str!("../../../../tests/contract/delays.json")).unwrap();
    for case in cases {
        for seed in 0..20 {
            let mut client = Harness::new();
            client.state.random = Random::seeded(seed);
            let found = match &*case.source {
                "retry_after_ms" => {
                    client.state.handle_open(client.now);
                    let (number, _) = client.state.subscribe(client.now, request_for("A"), &listener()).unwrap();
                    let sent = client.sent();
                    let payload = json!({ "status": "error", "code": "rate_limited", "message": "m", "retryable": true, "retry_after_ms": case.value });
                    client.text(&json!({ "type": "bars.subscribe.response", "id": sent[0]["id"], "payload": payload }));
                    match client.state.topics[&number].join {
                        Join::RetryAt(at) => at - client.now,
                        other => panic!("{case:?}: {other:?}"),
                    }
                }
                "reconnect_after_ms" => {
                    client.state.handle_open(client.now);
                    client.text(&json!({ "type": "going_away", "payload": { "reconnect_after_ms": case.value } }));
                    client.cut(1001, "");
                    waiting(&client).unwrap()
                }
                "Retry-After" => {
                    client.state.handle_disconnect(client.now, Disconnect::rejected(429, case.value.as_str(), b""));
                    waiting(&client).unwrap()
                }
                "heartbeat" => {
                    client.state.handle_open(client.now);
                    let seconds = case.value.as_str().unwrap();
                    client.cut(
                        1003,
                        &format!("Connection timed out. Heartbeat interval {seconds}. Max connection lifespan unset"),
                    );
                    client.state.settings.heartbeat
                }
                other => panic!("{other}"),
            };
            let (min, max) = (Duration::from_millis(case.min_ms), Duration::from_millis(case.max_ms));
            assert!(found >= min && found <= max, "{case:?}: {found:?}");
        }
    }
}

#[test]
fn the_documentation_has_the_table_of_closes() {
    let cases = closes();
    let rows = cases.iter().map(|case| {
        let code = match (case.code, case.last) {
            (1, Some(last)) => format!("below {}", last + 1),
            (code, Some(last)) => format!("{code}–{last}"),
            (code, None) => code.to_string(),
        };
        let alone = cases.iter().filter(|other| other.code == case.code).count() == 1;
        let reason = match &*case.reason {
            "" if alone => "any".to_owned(),
            "" => "any other".to_owned(),
            reason => format!("`{reason}`"),
        };
        let Close { kind, reconnects, pending, min_backoff_ms, .. } = case;
        format!("| {code} | {reason} | `{kind}` | {reconnects} | {pending} | {} s |", min_backoff_ms / 1_000)
    });
    let documented = include_str!("../../../../docs/clients.md").lines();
    let is_row = |line: &&str| ["| below", "| 1", "| 3"].iter().any(|start| line.starts_with(start));
    let documented: Vec<_> = documented.filter(is_row).collect();
    assert_eq!(documented, rows.collect::<Vec<_>>());
}
