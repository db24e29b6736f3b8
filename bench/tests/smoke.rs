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

#[test]
fn own_peers_deliver_every_update_in_order() {
    let out = folder("own-peers");
    let mut bench = Command::new(BENCH);
    bench.args(["--workload", "smoke", "--peer", "topicast,axum,floor", "--rounds", "1", "--no-calls", "--out"]);
    let output = bench.arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Value = serde_json::from_str(&fs::read_to_string(out.join("results.json")).unwrap()).unwrap();
    let cells = results["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 3, "{results}");
    for cell in cells {
        let figures = &cell["outcome"]["measured"];
        let figure = |name: &str| figures[name].as_f64().unwrap_or_else(|| panic!("no {name} in {cell}"));
        for name in ["lost", "disorder", "early", "closed"] {
            assert_eq!(figures[name], 0.0, "{name} in {cell}");
        }
        assert_eq!(figures["offered_per_second"], 1000.0, "{cell}");
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
