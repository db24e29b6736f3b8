//! Topics that end leave no memory behind.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use serde_json::json;
use topicast::{Limits, testing};
use topicast_tests::channels::{self, Bar, Bars, Resolution};

fn request(number: usize) -> Bars {
    Bars { symbol: format!("S{number}"), resolution: Resolution::M1 }
}

/// Returns the resident memory of the process, in bytes (proc(5), `statm`).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Runs alone in its process, as nextest runs every test. Other tests would affect the measurement.
#[tokio::test]
async fn a_million_topics_made_and_left_return_their_memory() {
    const TOPICS: usize = 1_000_000;
    const SUBSCRIBED: usize = 40_000;
    const AT_ONCE: usize = 500;
    // Released topics are retained within this budget.
    let limits = Limits { retained_bytes: 512 * 1024, ..Limits::default() };
    let ws = channels::builder(&Arc::default()).limits(limits).build().unwrap();
    let publisher = ws.publisher::<Bars>().unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    let mut number = 0;
    let mut subscribe_and_leave = async |count: usize| {
        for _ in 0..count / AT_ONCE {
            let numbers = number..number + AT_ONCE;
            number += AT_ONCE;
            for kind in ["bars.subscribe", "bars.unsubscribe"] {
                for number in numbers.clone() {
                    client.send(&json!({ "type": kind, "payload": request(number) })).await;
                    assert_eq!(client.message().await["payload"]["status"], "ok");
                }
            }
        }
    };
    let make_and_leave = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            publisher.topic(&request(number)).unwrap().publish(&Bar { time: 0, close: 0.0 }).unwrap();
        }
    };
    subscribe_and_leave(2_000).await;
    make_and_leave(0..20_000);
    let before = resident();
    subscribe_and_leave(SUBSCRIBED).await;
    make_and_leave(0..TOPICS);
    let after = resident();
    assert_eq!(ws.topics(), []);
    let grown = after.saturating_sub(before);
    assert!(grown < 4 * 1024 * 1024, "{grown} bytes more than the {before} at first");
}
