//! Real recordings, in the folder that `MARKET_DATA_DIR` names.
//!
//! Test runs without that variable exclude this module by its name.

use std::{collections::BTreeMap, path::PathBuf};

use rust_decimal::Decimal;

use crate::{support::start, tape::numbers};

fn folder() -> PathBuf {
    let folder = std::env::var_os("MARKET_DATA_DIR").expect(
        "MARKET_DATA_DIR names the folder of the recordings; \
         without them leave these tests out: cargo test -- --skip recordings",
    );
    PathBuf::from(folder).join("binance_spot")
}

/// Bars by time, and whether the capture has all of a bar.
fn expected() -> BTreeMap<i64, ([Decimal; 5], bool)> {
    let file = folder().join("expected_bars_1m.csv");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let rows = text.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
    rows.map(|row| {
        let values = [row[1], row[2], row[3], row[4], row[5]].map(|text| text.parse().expect("a decimal"));
        (row[0].parse().expect("a time"), (values, row[11] == "1"))
    })
    .collect()
}

async fn replayed(flags: &[&str]) {
    let files = ["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"];
    let files = files.map(|name| folder().join(name).display().to_string());
    let server = start(&[&["--tape", &files[0], "--tape", &files[1], "--speed", "max"], flags].concat()).await;
    assert_eq!(server.health().await["bar_broadcaster"]["symbols"], serde_json::json!(["BTCUSDT"]));
    let mut client = server.connect().await;
    client.subscribe("BTCUSDT", "1").await;

    let expected = expected();
    let complete = expected.values().filter(|(_, complete)| *complete).count();
    assert_eq!(complete, 10, "the recording has ten complete minutes");
    let (&end, (last, _)) = expected.last_key_value().expect("bars");
    let mut seen = BTreeMap::new();
    let mut before = i64::MIN;
    // The last bar never ends, so it comes with a tick.
    while seen.get(&end) != Some(last) {
        let (topic, bar) = client.bar().await;
        assert_eq!(topic, r#"bars:{"resolution":"1","symbol":"BTCUSDT"}"#);
        assert!(bar.time >= before, "times go back");
        before = bar.time;
        seen.insert(bar.time, numbers(&bar));
    }
    assert!(seen.keys().eq(expected.keys()), "one bar for each minute");
    for (time, (values, _)) in &expected {
        assert_eq!(&seen[time], values, "open, high, low, close and volume of {time}");
    }
}

#[tokio::test]
async fn a_recorded_tape_gives_the_bars_of_the_exchange() {
    replayed(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_between_change_nothing() {
    replayed(&["--bar-broadcaster-interval", "0.005"]).await;
}
