//! The report on the results.

use crate::plot;
use crate::result::{Cell, Figure, Outcome, Results};
use crate::table;
use crate::targets;
use crate::versus;

/// Returns the files of the report besides the table, with their contents.
pub(crate) fn plots(results: &Results) -> Vec<(String, String)> {
    plot::all(results).into_iter().map(|(name, svg)| (format!("{name}.svg"), svg)).collect()
}

/// Writes the report in Markdown.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = "# Results\n\nMedians of all rounds, and in parentheses the range of the rounds. What the columns \
                    mean stands in the [README](../README.md).\n\n"
        .to_owned();
    for (name, _) in plot::all(results) {
        text += &format!("![{name}]({name}.svg)\n\n");
    }
    text += &format!("## Targets\n\n{}\n## Workloads\n\n{}", targets::markdown(results), table::workloads(results));
    text += &versus::markdown(results);
    text += &disturbance(results);
    text += &format!("## Machine\n\n{}\n", table::facts(("what", "value"), &results.machine));
    text += &format!("## Versions\n\n{}", table::facts(("program or library", "version"), &results.versions));
    if !results.missing.is_empty() {
        text += &format!("\n## Missing\n\n{}", table::facts(("peer", "why"), &results.missing));
    }
    text
}

/// The share of the server's core used by other processes above which a measurement counts as disturbed.
const DISTURBED: f64 = 0.1;

/// Counts the measurements that other processes disturbed.
fn disturbance(results: &Results) -> String {
    let others = |cell: &Cell| match &cell.outcome {
        // In `shards` the load client shares one of the cores.
        Outcome::Measured(metrics) if cell.workload != "shards" => {
            Some(metrics.get(Figure::CoreBusy)? - metrics.get(Figure::ServerBusy)?)
        }
        _ => None,
    };
    let parts: Vec<f64> = results.cells.iter().filter_map(others).collect();
    let disturbed = parts.iter().filter(|part| **part > DISTURBED).count();
    format!(
        "In {disturbed} of {} measurements, other processes had more than {} % of the server's core.\n\n",
        parts.len(),
        table::grouped(DISTURBED * 100.0, 0)
    )
}

/// Returns a progress line about a cell.
pub(crate) fn line(cell: &Cell) -> String {
    let Cell { workload, peer, round, outcome } = cell;
    let said = match outcome {
        Outcome::Failed(error) => format!("failed: {error}"),
        Outcome::Measured(metrics) => {
            let always = [
                ("updates/s", Figure::Rate),
                ("deliveries/s", Figure::DeliveriesPerSecond),
                ("cpu µs", Figure::CpuPerDelivery),
                ("calls", Figure::CallsPerDelivery),
                ("p50 µs", Figure::P50),
                ("p99", Figure::P99),
                ("base p99", Figure::BaseP99),
                ("spread", Figure::SpreadP50),
                ("rss", Figure::RssPerConnection),
                ("load µs", Figure::LoadPerDelivery),
                ("busy", Figure::ServerBusy),
                ("core", Figure::CoreBusy),
                ("load busy", Figure::LoadBusy),
                ("connect s", Figure::ConnectSeconds),
                ("slow rss", Figure::SlowRss),
                ("busiest thread", Figure::BusiestThread),
                ("return s", Figure::ReturnSeconds),
                ("cpu µs/recovery", Figure::CpuPerRecovery),
                ("updates/recovery", Figure::ReplayedPerRecovery),
                ("superseded", Figure::Superseded),
                ("of slow readers", Figure::SlowSuperseded),
                ("rss first", Figure::RssFirst),
                ("second", Figure::RssSecond),
                ("last", Figure::RssLast),
                ("bytes/update", Figure::RssPerUpdate),
            ];
            let unless_zero = [
                ("lost", Figure::Lost),
                ("disorder", Figure::Disorder),
                ("early", Figure::Early),
                ("ended", Figure::Closed),
                ("slow missed", Figure::SlowMissed),
                ("slow reported", Figure::SlowTold),
                ("slow ended", Figure::SlowClosed),
                ("slow 1013", Figure::SlowClosed1013),
                ("storm failed", Figure::StormFailed),
                ("behind", Figure::Behind),
                ("not recovered", Figure::NotRecovered),
            ];
            let always = always.into_iter().filter_map(|(name, figure)| Some((name, metrics.get(figure)?)));
            let unless_zero = unless_zero.into_iter().filter_map(|(name, figure)| Some((name, metrics.get(figure)?)));
            let figures = always.chain(unless_zero.filter(|(_, value)| *value != 0.0));
            figures.map(|(name, value)| format!("{name} {}", short(value))).collect::<Vec<_>>().join(", ")
        }
    };
    format!("{workload} round {} {peer}: {said}", round + 1)
}

fn short(value: f64) -> String {
    table::grouped(value, if value.abs() < 100.0 && value.fract() != 0.0 { 2 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Metrics;

    #[test]
    fn a_line_tells_what_was_measured_and_what_went_wrong() {
        let mut metrics = Metrics::default();
        metrics.set(Figure::CpuPerDelivery, 4.051);
        metrics.set(Figure::Lost, 0.0);
        metrics.set(Figure::Early, 3.0);
        let cell = |outcome| Cell { workload: "burst".to_owned(), peer: "bun".to_owned(), round: 0, outcome };
        assert_eq!(line(&cell(Outcome::Measured(metrics))), "burst round 1 bun: cpu µs 4.05, early 3");
        assert_eq!(line(&cell(Outcome::Failed("no port".to_owned()))), "burst round 1 bun: failed: no port");
    }

    #[test]
    fn a_report_without_results_still_lists_the_targets() {
        let text = markdown(&Results { missing: vec![("bun".to_owned(), "no npm".to_owned())], ..Results::default() });
        assert!(text.contains("## Targets") && text.contains("| bun | no npm |"));
    }
}
