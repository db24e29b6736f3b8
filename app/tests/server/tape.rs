//! Tapes through the running server: the synthetic one, and ones that are broken.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use rust_decimal::Decimal;
use trading_api::{
    number::Number,
    report::report,
    resolution::Resolution,
    tape::{Tape, TapeError},
};

use crate::support::{WireBar, data, file, start};

/// Bars by topic and time, in their last state.
pub(crate) type Seen = BTreeMap<(String, i64), [Decimal; 5]>;

pub(crate) fn numbers(bar: &WireBar) -> [Decimal; 5] {
    [&bar.open, &bar.high, &bar.low, &bar.close, &bar.volume].map(|text| text.parse().expect("a decimal"))
}

fn topic(symbol: &str, resolution: &str) -> String {
    format!(r#"bars:{{"resolution":"{resolution}","symbol":"{symbol}"}}"#)
}

fn synthetic() -> [String; 2] {
    ["synthetic_1.tape", "synthetic_2.tape.gz"].map(|name| data(name).display().to_string())
}

/// The bars that the synthetic tape finishes, or all of them.
fn expected(ended_only: bool) -> Seen {
    let text = std::fs::read_to_string(data("synthetic_bars.csv")).expect("the bars beside the tape");
    let rows = text.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
    rows.filter(|row| !ended_only || row[8] == "1")
        .map(|row| {
            let values = [row[3], row[4], row[5], row[6], row[7]].map(|text| text.parse().expect("a decimal"));
            ((topic(row[0], row[1]), row[2].parse().expect("a time")), values)
        })
        .collect()
}

#[tokio::test]
async fn every_finished_bar_of_the_synthetic_tape_arrives_in_order() {
    let [one, two] = synthetic();
    let (mut seen, expected) = (Seen::new(), expected(true));
    for (symbol, resolution) in [("XUSD", "1"), ("XUSD", "5"), ("YUSD", "1"), ("YUSD", "5")] {
        let server = start(&[
            "--tape",
            &one,
            "--tape",
            &two,
            "--speed",
            "max",
            "--bar-broadcaster-resolutions",
            "1,5",
            // Only final states are published, so that what comes does not depend on the ticks.
            "--bar-broadcaster-interval",
            "86400",
        ])
        .await;
        let mut client = server.connect().await;
        client.subscribe(symbol, resolution).await;
        let wanted = topic(symbol, resolution);
        let mut before = i64::MIN;
        let here =
            |seen: &Seen| expected.iter().filter(|(key, _)| key.0 == wanted).all(|(key, v)| seen.get(key) == Some(v));
        while !here(&seen) {
            let (topic, bar) = client.bar().await;
            assert_eq!(topic, wanted);
            assert!(before <= bar.time, "times go back");
            before = bar.time;
            seen.insert((topic, bar.time), numbers(&bar));
        }
    }
    assert_eq!(seen, expected, "nothing but the finished bars");
}

#[tokio::test]
async fn the_store_has_the_bars_that_go_on_too() {
    let [one, two] = synthetic();
    let server = start(&["--tape", &one, "--tape", &two, "--speed", "max", "--tape-start", "now"]).await;
    let expected = expected(false);
    let have = || -> Seen {
        let mut seen = Seen::new();
        for symbol in ["XUSD", "YUSD"] {
            for resolution in [Resolution::M1, Resolution::M5] {
                for bar in server.market.bars(symbol, resolution, 0..i64::MAX) {
                    let values = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(|Number(value)| value);
                    seen.insert((topic(symbol, resolution.as_str()), bar.time), values);
                }
            }
        }
        seen
    };
    tokio::time::timeout(crate::support::PATIENCE, async {
        while have() != expected {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap_or_else(|_| assert_eq!(have(), expected));
}

#[tokio::test]
async fn the_tape_waits_for_the_first_subscription_and_gives_its_symbols() {
    let [one, two] = synthetic();
    let server = start(&["--tape", &one, "--tape", &two, "--speed", "max", "--bar-broadcaster-interval", "0.01"]).await;
    assert_eq!(server.health().await["bar_broadcaster"]["symbols"], serde_json::json!(["XUSD", "YUSD"]));
    let mut client = server.connect().await;
    assert_eq!(server.market.bars("XUSD", Resolution::M1, 0..i64::MAX), []);
    client.subscribe("XUSD", "1").await;
    let (_, first) = client.bar().await;
    assert!(first.time >= 1_723_161_480_000);
}

#[tokio::test]
async fn symbols_that_are_given_are_the_only_ones() {
    let [one, two] = synthetic();
    let server = start(&["--tape", &one, "--tape", &two, "--bar-broadcaster-symbols", "YUSD,NONE"]).await;
    assert_eq!(server.health().await["bar_broadcaster"]["symbols"], serde_json::json!(["YUSD", "NONE"]));
}

#[tokio::test]
async fn a_symbol_that_turns_up_late_is_published_too() {
    let line = |symbol: &str, id: u32| {
        format!(
            "1 {{\"stream\":\"s@trade\",\"data\":{{\"e\":\"trade\",\"s\":\"{symbol}\",\"t\":{id},\"p\":\"1\",\"q\":\"1\",\"T\":{id}}}}}\n"
        )
    };
    let mut text: String = (0..60_000).map(|id| line("EARLY", id)).collect();
    text.push_str(&line("LATE", 60_001));
    let tape = file("late_symbol.tape", text.as_bytes()).display().to_string();
    let server = start(&["--tape", &tape, "--speed", "max", "--bar-broadcaster-interval", "0.01"]).await;
    assert_eq!(server.health().await["bar_broadcaster"]["symbols"], serde_json::json!(["EARLY"]));
    let mut client = server.connect().await;
    client.subscribe("LATE", "1").await;
    assert_eq!(client.bar().await.0, topic("LATE", "1"));
    assert_eq!(server.health().await["bar_broadcaster"]["symbols"], serde_json::json!(["EARLY", "LATE"]));
}

fn read(path: &Path) -> (usize, Option<TapeError>) {
    let mut trades = 0;
    for trade in Tape::new([path.to_owned()]) {
        match trade {
            Ok(_) => trades += 1,
            Err(error) => return (trades, Some(error)),
        }
    }
    (trades, None)
}

/// The synthetic tape's first file, compressed and cut off at two thirds.
fn truncated() -> PathBuf {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&std::fs::read(data("synthetic_1.tape")).expect("the tape")).expect("memory");
    let mut bytes = encoder.finish().expect("memory");
    bytes.truncate(bytes.len() * 2 / 3);
    file("truncated.tape.gz", &bytes)
}

/// The synthetic tape's first file with line 120 spoilt.
fn corrupt() -> PathBuf {
    let text = std::fs::read_to_string(data("synthetic_1.tape")).expect("the tape");
    let spoil = |(at, line): (usize, &str)| {
        if at == 119 { format!("{}\n", &line[..line.len() / 2]) } else { format!("{line}\n") }
    };
    file("corrupt.tape", text.lines().enumerate().map(spoil).collect::<String>().as_bytes())
}

#[test]
fn broken_tapes_tell_the_file_and_the_line() {
    let (trades, error) = read(&corrupt());
    let error = error.expect("line 120 is spoilt");
    assert!(trades > 50, "{trades} trades before the spoilt line");
    assert_eq!(error.line(), Some(120));
    let begin = format!("tape {}, line 120: not a message of a combined stream: EOF", corrupt().display());
    let text = report(&error).to_string();
    assert!(text.starts_with(&begin), "{text}");

    let (trades, error) = read(&truncated());
    let error = error.expect("the file is cut off");
    assert!(trades > 20, "{trades} trades before the cut");
    let text = report(&error).to_string();
    assert!(text.ends_with("the compressed file ends too early, it was cut off"), "{text}");
}

#[tokio::test]
async fn what_was_read_of_a_broken_tape_stays_served() {
    for tape in [truncated(), corrupt()] {
        let tape = tape.display().to_string();
        let server = start(&["--tape", &tape, "--speed", "max", "--bar-broadcaster-interval", "0.01"]).await;
        let mut client = server.connect().await;
        client.subscribe("XUSD", "1").await;
        let (_, one) = client.bar().await;
        assert_eq!(one.time % 60_000, 0);
        // The replay is over long before a hundred more ticks; they still bring its last bar.
        let mut last = one;
        for _ in 0..100 {
            let (_, bar) = client.bar().await;
            assert!(bar.time >= last.time);
            last = bar;
        }
        assert_eq!(server.health().await["status"], "ok");
        let stored = server.market.bars("XUSD", Resolution::M1, 0..i64::MAX);
        assert_eq!(stored.last().expect("bars were read").time, last.time);
    }
}
