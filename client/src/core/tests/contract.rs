//! The tables of closes and delays that every client keeps to, and that users read.

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

fn waiting(bench: &Bench) -> Option<Duration> {
    match bench.core.phase() {
        Phase::Waiting { until } => Some(until - bench.now),
        _ => None,
    }
}

#[test]
fn every_close_is_treated_as_the_contract_says() {
    for case in closes() {
        for code in [case.code, case.last.unwrap_or(case.code)] {
            assert_eq!(Disconnect::closed(Some(code), &case.reason).cause.name(), case.kind, "{case:?}");
            let mut bench = Bench::open();
            let (good, pending) = (listener(), listener());
            bench.core.subscribe(bench.now, ask("A"), &good).unwrap();
            let sent = bench.sent();
            bench.joined(&sent[0], "e", 0);
            let (_, status) = bench.core.subscribe(bench.now, ask("pending"), &pending).unwrap();
            bench.sent();
            bench.cut(code, &case.reason);
            let wait = waiting(&bench).unwrap();
            let least = Duration::from_millis(case.min_backoff_ms);
            assert!(wait >= least && wait <= least + Duration::from_millis(500), "{case:?}: {wait:?}");
            let found = match &*status.borrow() {
                Status::Joining => "repeated",
                Status::Retrying(_) => "retried",
                Status::Refused(_) => "failed",
                other => panic!("{case:?}: {other:?}"),
            };
            assert_eq!(found, case.pending, "{case:?}");
            bench.reopen();
            let burst: Vec<_> = bench.sent().iter().map(|message| message["payload"]["symbol"].clone()).collect();
            assert!(burst.contains(&json!("A")), "{case:?}");
            match &*case.pending {
                "repeated" => assert!(burst.contains(&json!("pending")), "{case:?}"),
                "failed" => assert!(!burst.contains(&json!("pending")), "{case:?}"),
                _ => {}
            }
            bench.cut(code, &case.reason);
            assert_eq!(waiting(&bench).is_some(), case.reconnects == "always", "{case:?}");
        }
    }
}

#[test]
fn every_delay_that_a_server_sets_is_within_its_bounds() {
    let cases: Vec<Delay> = serde_json::from_str(include_str!("../../../../tests/contract/delays.json")).unwrap();
    for case in cases {
        for seed in 0..20 {
            let mut bench = Bench::new();
            bench.core.random = Random::seeded(seed);
            let found = match &*case.source {
                "retry_after_ms" => {
                    bench.core.opened(bench.now);
                    let (number, _) = bench.core.subscribe(bench.now, ask("A"), &listener()).unwrap();
                    let sent = bench.sent();
                    let payload = json!({ "status": "error", "code": "rate_limited", "message": "m", "retryable": true, "retry_after_ms": case.value });
                    bench.text(&json!({ "type": "bars.subscribe.response", "id": sent[0]["id"], "payload": payload }));
                    match bench.core.topics[&number].standing {
                        Standing::Later(at) => at - bench.now,
                        other => panic!("{case:?}: {other:?}"),
                    }
                }
                "reconnect_after_ms" => {
                    bench.core.opened(bench.now);
                    bench.text(&json!({ "type": "going_away", "payload": { "reconnect_after_ms": case.value } }));
                    bench.cut(1001, "");
                    waiting(&bench).unwrap()
                }
                "Retry-After" => {
                    bench.core.ended(bench.now, Disconnect::rejected(429, case.value.as_str(), b""));
                    waiting(&bench).unwrap()
                }
                "heartbeat" => {
                    bench.core.opened(bench.now);
                    let seconds = case.value.as_str().unwrap();
                    bench.cut(
                        1003,
                        &format!("Connection timed out. Heartbeat interval {seconds}. Max connection lifespan unset"),
                    );
                    bench.core.settings.heartbeat
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
        let code = case.last.map_or_else(|| case.code.to_string(), |last| format!("{}–{last}", case.code));
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
    let documented: Vec<_> = documented.filter(|line| line.starts_with("| 1") || line.starts_with("| 3")).collect();
    assert_eq!(documented, rows.collect::<Vec<_>>());
}
