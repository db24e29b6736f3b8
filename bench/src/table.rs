//! Tables of the results, in Markdown.

use std::fmt::Write;

use crate::contestant::CONTESTANTS;
use crate::result::{Figure, Outcome, Results, Summary};
use crate::workload::{self, Kind, Workload};

/// A column: what it is called, the figure, what it is divided by, and digits after the point.
struct Column(&'static str, Figure, f64, usize);

const RATE: Column = Column("deliveries/s", Figure::DeliveriesPerSecond, 1.0, 0);
const CPU: Column = Column("CPU µs/delivery", Figure::CpuPerDelivery, 1.0, 2);
const CALLS: Column = Column("calls/delivery", Figure::CallsPerDelivery, 1.0, 2);
const P50: Column = Column("p50 ms", Figure::P50, 1e3, 2);
const P99: Column = Column("p99 ms", Figure::P99, 1e3, 2);
const P999: Column = Column("p99.9 ms", Figure::P999, 1e3, 2);
const SPREAD: Column = Column("spread ms", Figure::SpreadP50, 1e3, 2);
const RSS: Column = Column("RSS KB/conn", Figure::RssPerConnection, 1e3, 2);
const LOST: Column = Column("lost", Figure::Lost, 1.0, 0);

const STEADY: &[Column] = &[RATE, CPU, CALLS, P50, P99, P999, SPREAD, RSS, LOST];
const IDLE: &[Column] = &[
    RSS,
    Column("PSS KB/conn", Figure::PssPerConnection, 1e3, 2),
    Column("connect all, s", Figure::ConnectSeconds, 1.0, 2),
];
const SLOW: &[Column] = &[
    RATE,
    CPU,
    Column("p99 ms without", Figure::BaseP99, 1e3, 2),
    P99,
    LOST,
    Column("ended", Figure::Closed, 1.0, 0),
    Column("RSS KB/slow conn", Figure::SlowRss, 1e3, 1),
    Column("slow: missed", Figure::SlowMissed, 1.0, 0),
    Column("reported", Figure::SlowTold, 1.0, 0),
    Column("ended", Figure::SlowClosed, 1.0, 0),
    Column("with 1013", Figure::SlowClosed1013, 1.0, 0),
    Column("not newest", Figure::Behind, 1.0, 0),
];
const STORM: &[Column] = &[
    Column("p99 ms before", Figure::BaseP99, 1e3, 2),
    P99,
    P999,
    LOST,
    Column("accept all, s", Figure::ConnectSeconds, 1.0, 2),
    Column("not accepted", Figure::StormFailed, 1.0, 0),
];
const FLOOD: &[Column] = &[
    Column("updates/s", Figure::Rate, 1.0, 0),
    RATE,
    Column("deliveries/CPU s", Figure::DeliveriesPerCpuSecond, 1.0, 0),
    CPU,
    P50,
    P99,
];
const HALF: &[Column] = &[Column("updates/s", Figure::Rate, 1.0, 0), RATE, CPU, CALLS, P50, P99, P999, SPREAD, LOST];
const SHARDS: &[Column] = &[RATE, CPU, Column("busiest thread, %", Figure::BusiestThread, 0.01, 0), P50, P99, LOST];

const RETURN: &[Column] = &[
    Column("all live after, s", Figure::ReturnSeconds, 1.0, 2),
    Column("CPU µs/recovery", Figure::CpuPerRecovery, 1.0, 0),
    Column("with live updates", Figure::CpuPerReturn, 1.0, 0),
    Column("updates/recovery", Figure::ReplayedPerRecovery, 1.0, 0),
    LOST,
    Column("repeated", Figure::Disorder, 1.0, 0),
    Column("not recovered", Figure::NotRecovered, 1.0, 0),
    Column("p99 ms before", Figure::BaseP99, 1e3, 2),
    P99,
    P999,
];
const CONFLATE: &[Column] = &[
    RATE,
    CPU,
    Column("superseded, %", Figure::Superseded, 0.01, 0),
    Column("of slow readers", Figure::SlowSuperseded, 0.01, 0),
    Column("p99 ms without", Figure::BaseP99, 1e3, 2),
    P99,
    Column("RSS MB, first third", Figure::RssFirst, 1e6, 1),
    Column("second", Figure::RssSecond, 1e6, 1),
    Column("last", Figure::RssLast, 1e6, 1),
    Column("ended", Figure::Closed, 1.0, 0),
    Column("not newest", Figure::Behind, 1.0, 0),
];
const RETAIN: &[Column] = &[Column("RSS bytes/update", Figure::RssPerUpdate, 1.0, 1)];

fn columns(workload: &Workload) -> &'static [Column] {
    match workload.kind {
        Kind::Steady => STEADY,
        Kind::Idle => IDLE,
        Kind::Slow => SLOW,
        Kind::Storm { .. } => STORM,
        Kind::Flood => FLOOD,
        Kind::Half => HALF,
        Kind::Shards => SHARDS,
        Kind::Retain => RETAIN,
        Kind::Return { .. } => RETURN,
        Kind::Conflate => CONFLATE,
    }
}

/// A table for each workload that was measured.
pub(crate) fn workloads(results: &Results) -> String {
    let mut text = String::new();
    for workload in workload::every() {
        let rows: Vec<String> =
            CONTESTANTS.iter().filter_map(|contestant| row(results, workload, contestant.name)).collect();
        if rows.is_empty() {
            continue;
        }
        let names: Vec<&str> = columns(workload).iter().map(|column| column.0).collect();
        let rules = "| ---: ".repeat(names.len());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "### {}\n\n{}.\n", workload.name, workload.says);
        let _ = writeln!(text, "| peer | {} |\n| --- {rules}|\n{}\n", names.join(" | "), rows.join("\n"));
    }
    text
}

/// A peer's row; nothing where it did not take part.
fn row(results: &Results, workload: &Workload, peer: &str) -> Option<String> {
    let failures: Vec<&str> = results
        .cells_of(workload.name, peer)
        .filter_map(|cell| match &cell.outcome {
            Outcome::Failed(error) => Some(error.as_str()),
            Outcome::Measured(_) => None,
        })
        .collect();
    let rounds = results.cells_of(workload.name, peer).count();
    if rounds == 0 {
        return None;
    }
    let columns = columns(workload);
    if failures.len() == rounds {
        let blank = "| ".repeat(columns.len() - 1);
        return Some(format!("| {peer} | failed: {} {blank}|", failures[0].replace('|', "\\|")));
    }
    let cells: Vec<String> = columns
        .iter()
        .map(|Column(_, figure, unit, digits)| {
            results
                .summary(workload.name, peer, *figure)
                .map_or("–".to_owned(), |summary| range(summary, *unit, *digits))
        })
        .collect();
    let note = if failures.is_empty() { String::new() } else { format!(" ({} of {rounds} failed)", failures.len()) };
    Some(format!("| {peer}{note} | {} |", cells.join(" | ")))
}

/// A median, with the range of all rounds where that is more than one value.
pub(crate) fn range(summary: Summary, unit: f64, digits: usize) -> String {
    let Summary { median, min, max } = summary;
    let show = |value: f64| grouped(value / unit, digits);
    if show(min) == show(max) { show(median) } else { format!("**{}** ({}…{})", show(median), show(min), show(max)) }
}

/// A number with a comma after the thousands.
pub(crate) fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, part) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let is_zero = !text.contains(|c: char| ('1'..='9').contains(&c));
    format!("{}{out}{part}", if value < 0.0 && !is_zero { "−" } else { "" })
}

/// Two columns of names and values.
pub(crate) fn facts(names: (&str, &str), facts: &[(String, String)]) -> String {
    let mut text = format!("| {} | {} |\n| --- | --- |\n", names.0, names.1);
    for (name, value) in facts {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (value, digits, expected) in [
            (0.0, 0, "0"),
            (-0.001, 2, "0.00"),
            (999.5, 1, "999.5"),
            (1000.0, 0, "1,000"),
            (-1_234_567.25, 2, "−1,234,567.25"),
        ] {
            assert_eq!(grouped(value, digits), expected);
        }
    }

    #[test]
    fn a_range_is_shown_where_rounds_differ() {
        assert_eq!(range(Summary { median: 2e3, min: 1e3, max: 3e3 }, 1e3, 1), "**2.0** (1.0…3.0)");
        assert_eq!(range(Summary { median: 2e3, min: 2e3, max: 2e3 }, 1e3, 1), "2.0");
    }
}
