//! A moment of the benchmark: nothing is lost, figures are sane, and no process stays behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_topicast-bench");

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a workload for one round, and returns its cells.
fn measure(workload: &str, peers: &str, out: &Path) -> Vec<Value> {
    let mut bench = Command::new(BENCH);
    bench.args(["--workload", workload, "--peer", peers, "--rounds", "1", "--no-calls", "--out"]);
    let output = bench.arg(out).output().expect("the benchmark runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results = fs::read(out.join("results.json")).expect("there are results");
    let results: Value = serde_json::from_slice(&results).expect("the results are JSON");
    results["cells"].as_array().expect("the results have cells").clone()
}

/// Returns a figure of a cell.
fn figure(cell: &Value, name: &str) -> f64 {
    cell["outcome"]["measured"][name].as_f64().unwrap_or_else(|| panic!("no {name} in {cell}"))
}

#[test]
fn returning_subscribers_lose_nothing() {
    let cells = measure("return-short", "topicast-history", &folder("return"));
    assert_eq!(cells.len(), 1, "{cells:?}");
    for name in ["lost", "disorder", "not_recovered", "closed", "early"] {
        assert_eq!(figure(&cells[0], name), 0.0, "{name} in {cells:?}");
    }
    // They return over one second, in which 50 updates are due.
    assert!(figure(&cells[0], "return_seconds") >= 0.99, "{cells:?}");
    assert!(figure(&cells[0], "replayed_per_recovery") > 10.0, "{cells:?}");
    assert!(figure(&cells[0], "cpu_per_return") > figure(&cells[0], "cpu_per_recovery"), "{cells:?}");
}

#[test]
fn every_subscriber_of_a_latest_topic_ends_with_the_newest_value() {
    let cells = measure("conflate-short", "topicast-latest", &folder("conflate"));
    assert_eq!(cells.len(), 1, "{cells:?}");
    for name in ["behind", "disorder", "closed", "early"] {
        assert_eq!(figure(&cells[0], name), 0.0, "{name} in {cells:?}");
    }
    // Connections that read a tenth of the bytes cannot receive most of the values.
    assert!(figure(&cells[0], "slow_superseded") > 0.3, "{cells:?}");
    assert!(figure(&cells[0], "rss_last") > 0.0, "{cells:?}");
}

#[test]
fn a_history_takes_its_payloads_and_at_most_64_bytes_an_entry() {
    let cells = measure("retain", "topicast,topicast-history", &folder("retain"));
    let of = |peer: &str| figure(cells.iter().find(|cell| cell["peer"] == peer).unwrap(), "rss_per_update");
    let entry = of("topicast-history") - of("topicast");
    assert!((200.0..=264.0).contains(&entry), "{entry} bytes: {cells:?}");
}

#[test]
fn own_peers_deliver_every_update_in_order() {
    let out = folder("own-peers");
    let cells = measure("smoke", "topicast,topicast-history,axum,floor", &out);
    assert_eq!(cells.len(), 4, "{cells:?}");
    for cell in &cells {
        let figure = |name: &str| figure(cell, name);
        for name in ["lost", "disorder", "early", "closed"] {
            assert_eq!(figure(name), 0.0, "{name} in {cell}");
        }
        assert_eq!(figure("offered_per_second"), 1000.0, "{cell}");
        assert!(figure("deliveries_per_second") > 0.0, "{cell}");
        assert!(figure("cpu_per_delivery") > 0.0, "{cell}");
        // A bar of 200 bytes, an envelope, and a header of four bytes.
        assert!((260.0..300.0).contains(&figure("frame_bytes")), "{cell}");
        assert!(figure("p50") <= figure("p99") && figure("p99") <= figure("p999"), "{cell}");
        assert!(figure("spread_p50") <= figure("p999"), "{cell}");
    }
    let report = fs::read_to_string(out.join("results.md")).unwrap();
    assert!(report.contains("## Targets") && report.contains("## Versions"), "{report}");
}

#[test]
fn two_builds_take_turns_and_are_compared() {
    let out = folder("against");
    let mut bench = Command::new(BENCH);
    bench.args(["--workload", "smoke", "--peer", "topicast,floor", "--rounds", "1", "--no-calls"]);
    let output = bench.args(["--against", BENCH, "--out"]).arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = fs::read_to_string(out.join("results.md")).unwrap();
    for peer in ["topicast", "floor"] {
        assert!(report.contains(&format!("| smoke | {peer} | CPU µs/delivery | ")), "{report}");
    }
}

#[test]
fn a_benchmark_that_is_killed_leaves_no_process() {
    let mut bench = Command::new(BENCH);
    bench
        .args(["--workload", "smoke", "--peer", "floor", "--rounds", "1", "--seconds", "60", "--out"])
        .arg(folder("killed"));
    let mut bench = bench.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut started = BTreeSet::new();
    // A server and a load client, which have become what they are to be.
    until(|| {
        started = children(bench.id()).into_iter().filter(|&id| is(id, "load") || is(id, "floor")).collect();
        started.len() > 1
    });
    bench.kill().unwrap();
    bench.wait().unwrap();
    until(|| started.iter().all(|&id| !is(id, "load") && !is(id, "floor")));
}

#[test]
fn what_is_unknown_is_named_with_what_is_allowed() {
    for (option, allowed) in [("--workload", "trickle, burst"), ("--peer", "topicast, ")] {
        let output = Command::new(BENCH).args([option, "nonsense"]).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("`nonsense` is unknown: allowed are ") && said.contains(allowed), "{said}");
    }
}

/// Looks again and again until something holds.
fn until(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "it does not come about");
        std::thread::yield_now();
    }
}

fn children(parent: u32) -> BTreeSet<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|found| found.trim() == parent.to_string()))
    })
    .collect()
}

/// Whether a process is this benchmark's, with such an argument.
fn is(id: u32, argument: &str) -> bool {
    let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|&byte| byte == 0).collect();
    words.first().is_some_and(|program| program.ends_with(b"topicast-bench"))
        && !words.contains(&b"pinned".as_slice())
        && words.contains(&argument.as_bytes())
}
