//! Two builds that were measured in turn: how this one compares with the other.

use std::fmt::Write;

use crate::contestant::CONTESTANTS;
use crate::result::{Figure, Results};
use crate::table::{grouped, range};
use crate::workload;

/// What is compared: the name, the figure, what it is divided by, and the digits after the point.
const FIGURES: [(&str, Figure, f64, usize); 6] = [
    ("CPU µs/delivery", Figure::CpuPerDelivery, 1.0, 2),
    ("p50 ms", Figure::P50, 1e3, 2),
    ("p99 ms", Figure::P99, 1e3, 2),
    ("RSS KB/conn", Figure::RssPerConnection, 1e3, 2),
    ("CPU µs/recovery", Figure::CpuPerRecovery, 1.0, 0),
    ("RSS bytes/update", Figure::RssPerUpdate, 1.0, 1),
];

/// Returns the name of a peer in the other build.
pub(crate) fn other(peer: &str) -> String {
    format!("{peer} (other build)")
}

/// Compares the medians of both builds, with the range of their rounds; empty if there was one build.
pub(crate) fn markdown(results: &Results) -> String {
    let mut rows = String::new();
    for workload in workload::every() {
        for contestant in CONTESTANTS {
            for (says, figure, unit, digits) in FIGURES {
                let get = |peer: &str| results.summary(workload.name, peer, figure);
                let Some((this, other)) = get(contestant.name).zip(get(&other(contestant.name))) else { continue };
                let ratio = if other.median == 0.0 { "–".to_owned() } else { grouped(this.median / other.median, 3) };
                let (this, other) = (range(this, unit, digits), range(other, unit, digits));
                let (workload, peer) = (workload.name, contestant.name);
                // Writing to a string cannot fail.
                let _ = writeln!(rows, "| {workload} | {peer} | {says} | {this} | {other} | {ratio} |");
            }
        }
    }
    if rows.is_empty() {
        return rows;
    }
    let names = "| workload | peer | figure | this build | other build | ratio of medians |";
    format!("## This build and another\n\n{names}\n| --- | --- | --- | ---: | ---: | ---: |\n{rows}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Cell, Metrics, Outcome};

    #[test]
    fn medians_of_two_builds_are_compared() {
        let cell = |peer: String, round, value| {
            let mut metrics = Metrics::default();
            metrics.set(Figure::CpuPerDelivery, value);
            Cell { workload: "burst".to_owned(), peer, round, outcome: Outcome::Measured(metrics) }
        };
        let one = vec![cell("topicast".to_owned(), 0, 3.0), cell("topicast".to_owned(), 1, 5.0)];
        assert_eq!(markdown(&Results { cells: one.clone(), ..Results::default() }), "");
        let both = one.into_iter().chain([cell(other("topicast"), 0, 5.0)]).collect();
        let text = markdown(&Results { cells: both, ..Results::default() });
        let row = "| burst | topicast | CPU µs/delivery | **4.00** (3.00…5.00) | 5.00 | 0.800 |";
        assert!(text.contains(row), "{text}");
    }
}
