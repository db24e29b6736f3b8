//! The performance targets, compared with the results.

use std::fmt::Write;

use crate::result::{Figure, Metrics, Results};
use crate::table::grouped;
use crate::workload::SLOW_UNSENT_BYTES;

const OURS: &str = "topicast";

/// topicast with a history, and with `latest` topics.
const KEEPING: &str = "topicast-history";
const LATEST: &str = "topicast-latest";

/// What an entry of a history may take: the payload of an update, and 64 bytes.
const ENTRY: f64 = 200.0 + 64.0;

/// How much more memory the last third of a time may have than the first, where memory is flat.
const FLAT: f64 = 1.05;

/// What one of the slow connections may hold beyond the limit of unsent bytes: its own state, and
/// the message that reached the limit.
const SLOW_SLACK: f64 = 8192.0;

/// One figure to reach.
#[derive(Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) says: String,
    /// What was measured, against what; nothing where it was not.
    pub(crate) found: Option<Found>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) measured: f64,
    pub(crate) limit: f64,
    /// Whether more is better.
    pub(crate) at_least: bool,
    pub(crate) digits: usize,
    pub(crate) unit: &'static str,
}

impl Found {
    fn ratio(measured: f64, limit: f64, at_least: bool) -> Self {
        Self { measured, limit, at_least, digits: 2, unit: "×" }
    }

    fn millis(measured: f64, limit: f64) -> Self {
        Self { measured: measured / 1e3, limit: limit / 1e3, at_least: false, digits: 2, unit: " ms" }
    }

    pub(crate) fn reached(&self) -> bool {
        if self.at_least { self.measured >= self.limit } else { self.measured <= self.limit }
    }
}

/// Everything to reach, in the order in which it was set.
pub(crate) fn all(results: &Results) -> Vec<Target> {
    let results = Medians(results);
    let mut targets = Vec::new();
    targets.extend(["trickle", "crowd", "burst"].map(|workload| results.lowest(workload)));
    targets.push(results.cpu("trickle", OURS, "axum", 0.8));
    targets.extend(["trickle", "burst", "wide", "crowd"].into_iter().filter_map(|workload| results.fastws(workload)));
    targets.push(results.cpu("burst", "topicast-5ms", "bun", 0.75));
    targets.push(results.cpu("burst", "topicast-10ms", "bun", 0.6));
    targets.push(results.cpu("wide", OURS, "bun", 0.9));
    targets.push(results.flood());
    targets.extend(["trickle", "burst", "wide", "crowd", "half"].map(|workload| results.latency(workload)));
    targets.push(results.within("half: p99 under 2 ms", "half", OURS, Figure::P99, |_| 2000.0));
    targets.push(results.idle());
    targets.push(results.within(
        "slow: p99 of the healthy within 10 % or 1 ms of that without slow readers",
        "slow",
        OURS,
        Figure::P99,
        |base| (base * 1.1).max(base + 1000.0),
    ));
    targets.push(results.slow_memory());
    targets.push(results.slow_told());
    targets.push(results.slow_newest());
    targets.extend(["storm", "storm-quiet"].map(|workload| {
        let says = format!("{workload}: p99 of those being served at most 2 × or 10 ms above what it was");
        results.within(&says, workload, OURS, Figure::P99, |base| (base * 2.0).max(base + 10_000.0))
    }));
    targets.extend(["burst", "trickle", "crowd", "wide"].map(|workload| results.history(workload)));
    targets.push(results.entry());
    targets.push(results.none("return: updates lost, all rounds", "return", KEEPING, Figure::Lost));
    targets.push(results.none("return: updates repeated, all rounds", "return", KEEPING, Figure::Disorder));
    targets.push(results.none(
        "return: connections not recovered, all rounds",
        "return",
        KEEPING,
        Figure::NotRecovered,
    ));
    let says = "return: p99 of the connections that stayed at most 10 ms above what it was";
    targets.push(results.within(says, "return", KEEPING, Figure::P99, |base| base + 10_000.0));
    targets.push(results.within(
        "conflate: p99 of the others within 10 % or 1 ms of that without slow readers",
        "conflate",
        LATEST,
        Figure::P99,
        |base| (base * 1.1).max(base + 1000.0),
    ));
    targets.push(results.flat_memory());
    let says = "conflate: subscriptions that end without the newest value, all rounds";
    targets.push(results.none(says, "conflate", LATEST, Figure::Behind));
    targets.push(results.none("conflate: connections ended, all rounds", "conflate", LATEST, Figure::Closed));
    targets.push(results.two_shards());
    targets.push(results.share());
    targets
}

/// The targets as a table.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = "| target | measured | limit | |\n| --- | ---: | ---: | --- |\n".to_owned();
    for Target { says, found } in all(results) {
        let row = match found {
            None => format!("| {says} | – | – | not measured |"),
            Some(found) => {
                let show = |value| format!("{}{}", grouped(value, found.digits), found.unit);
                let verdict = if found.reached() { "pass" } else { "**fail**" };
                let sign = if found.at_least { "≥" } else { "≤" };
                format!("| {says} | {} | {sign} {} | {verdict} |", show(found.measured), show(found.limit))
            }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{row}");
    }
    text
}

struct Medians<'a>(&'a Results);

impl Medians<'_> {
    fn get(&self, workload: &str, peer: &str, figure: Figure) -> Option<f64> {
        self.0.summary(workload, peer, figure).map(|summary| summary.median)
    }

    /// CPU time of a delivery, against another peer's.
    fn cpu(&self, workload: &str, ours: &str, theirs: &str, limit: f64) -> Target {
        let get = |peer| self.get(workload, peer, Figure::CpuPerDelivery);
        let found = get(ours).zip(get(theirs)).map(|(ours, theirs)| Found::ratio(ours / theirs, limit, false));
        Target { says: format!("{workload}: CPU per delivery of {ours}, of {theirs}'s"), found }
    }

    fn lowest(&self, workload: &str) -> Target {
        let get = |peer| self.get(workload, peer, Figure::CpuPerDelivery);
        let found = get(OURS).zip(get("bun").zip(get("floor")));
        let found = found.map(|(ours, (bun, floor))| Found::ratio(ours / bun.min(floor), 1.05, false));
        Target { says: format!("{workload}: CPU per delivery, of the lower of bun's and the floor's"), found }
    }

    /// Only where FastWS keeps up: it makes the deliveries that are asked for and loses none.
    fn fastws(&self, workload: &str) -> Option<Target> {
        let get = |figure| self.get(workload, "fastws", figure);
        let keeps_up =
            get(Figure::DeliveriesPerSecond)? >= 0.99 * get(Figure::OfferedPerSecond)? && get(Figure::Lost)? == 0.0;
        keeps_up.then(|| self.cpu(workload, OURS, "fastws", 0.2))
    }

    fn flood(&self) -> Target {
        let get = |peer| self.get("flood", peer, Figure::DeliveriesPerCpuSecond);
        let found = get(OURS).zip(get("bun")).map(|(ours, theirs)| Found::ratio(ours / theirs, 1.3, true));
        Target { says: "flood: deliveries per CPU second, of bun's".to_owned(), found }
    }

    fn latency(&self, workload: &str) -> Target {
        let get = |peer| self.get(workload, peer, Figure::P99);
        let found = get(OURS).zip(get("bun"));
        let found = found.map(|(ours, theirs)| Found::millis(ours, (theirs * 1.15).max(theirs + 1000.0)));
        Target { says: format!("{workload}: p99 at most 1.15 × bun's or 1 ms above it"), found }
    }

    /// A time against a limit made of what it was before.
    fn within(&self, says: &str, workload: &str, peer: &str, figure: Figure, limit: fn(f64) -> f64) -> Target {
        let base = self.get(workload, peer, Figure::BaseP99).unwrap_or(0.0);
        let found = self.get(workload, peer, figure).map(|measured| Found::millis(measured, limit(base)));
        Target { says: says.to_owned(), found }
    }

    fn idle(&self) -> Target {
        let found = self.get("idle", OURS, Figure::RssPerConnection).map(|measured| Found {
            measured: measured / 1024.0,
            limit: 4.0,
            at_least: false,
            digits: 2,
            unit: " KiB",
        });
        Target { says: "idle: resident memory a subscribed connection".to_owned(), found }
    }

    fn slow_memory(&self) -> Target {
        let found = self.get("slow", OURS, Figure::SlowRss).map(|measured| Found {
            measured: measured / 1024.0,
            limit: (crate::cell::count(SLOW_UNSENT_BYTES) + SLOW_SLACK) / 1024.0,
            at_least: false,
            digits: 1,
            unit: " KiB",
        });
        Target { says: "slow: memory of a slow reader bounded by the limit of unsent bytes".to_owned(), found }
    }

    /// The server notified each slow connection: of its end with 1013, or of each missed update.
    fn slow_told(&self) -> Target {
        let peers = [OURS, "topicast-drop"];
        let untold = |metrics: &Metrics| {
            let get = |figure| metrics.get(figure).unwrap_or(0.0);
            let ends = get(Figure::SlowClosed) - get(Figure::SlowClosed1013);
            (get(Figure::SlowMissed) - get(Figure::SlowTold)).abs() + ends
        };
        let each: Vec<f64> = peers.iter().flat_map(|peer| self.0.metrics("slow", peer)).map(untold).collect();
        let found = (!each.is_empty()).then(|| Found {
            measured: each.into_iter().sum(),
            limit: 0.0,
            at_least: false,
            digits: 0,
            unit: "",
        });
        Target { says: "slow: drops and ends without a notification, both policies, all rounds".to_owned(), found }
    }

    /// Slow readers that the server does not close have the newest update in the end.
    fn slow_newest(&self) -> Target {
        let targets = ["topicast-drop", LATEST].map(|peer| self.none("", "slow", peer, Figure::Behind));
        let found = targets.into_iter().filter_map(|target| target.found);
        let found = found.reduce(|one, other| Found { measured: one.measured + other.measured, ..one });
        Target { says: "slow: slow readers without the newest update in the end, all rounds".to_owned(), found }
    }

    /// A figure that is 0 in every round, with at least one that was measured. A round that failed
    /// counts.
    fn none(&self, says: &str, workload: &str, peer: &str, figure: Figure) -> Target {
        let values: Vec<f64> = self.0.metrics(workload, peer).filter_map(|metrics| metrics.get(figure)).collect();
        let failed = self.0.cells_of(workload, peer).count() - self.0.metrics(workload, peer).count();
        let found = (!values.is_empty()).then(|| Found {
            measured: values.into_iter().sum::<f64>() + crate::cell::count(failed),
            limit: 0.0,
            at_least: false,
            digits: 0,
            unit: "",
        });
        Target { says: says.to_owned(), found }
    }

    fn history(&self, workload: &str) -> Target {
        let Target { found, .. } = self.cpu(workload, KEEPING, OURS, 1.1);
        Target { says: format!("{workload}: CPU per delivery with a history, of that without"), found }
    }

    /// What an update adds to a topic with a history, less what it adds without.
    fn entry(&self) -> Target {
        let get = |peer| self.get("retain", peer, Figure::RssPerUpdate);
        let found = get(KEEPING).zip(get(OURS)).map(|(with, without)| Found {
            measured: with - without,
            limit: ENTRY,
            at_least: false,
            digits: 0,
            unit: " bytes",
        });
        Target { says: "retain: memory of an entry of a history, with a payload of 200 bytes".to_owned(), found }
    }

    fn flat_memory(&self) -> Target {
        let get = |figure| self.get("conflate", LATEST, figure);
        let found = get(Figure::RssFirst).zip(get(Figure::RssLast));
        let found = found.map(|(first, last)| Found::ratio(last / first, FLAT, false));
        Target { says: "conflate: memory in the last third of the time, of that in the first".to_owned(), found }
    }

    fn two_shards(&self) -> Target {
        let get = |peer| self.get("shards", peer, Figure::CpuPerDelivery);
        let found = get("topicast-2shards").zip(get("topicast-1shard"));
        let found = found.map(|(two, one)| Found::ratio(two / one, 1.15, false));
        Target { says: "shards: CPU per delivery with two shards, of that with one".to_owned(), found }
    }

    fn share(&self) -> Target {
        let found = self.get("shards", "topicast-2shards", Figure::BusiestThread).map(|share| Found {
            measured: share * 100.0,
            limit: 60.0,
            at_least: false,
            digits: 0,
            unit: " %",
        });
        Target { says: "shards: the busier of two shards' part of the work".to_owned(), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Cell, Outcome};

    fn results(figures: &[(&str, &str, Figure, f64)]) -> Results {
        let cell = |&(workload, peer, figure, value): &(&str, &str, Figure, f64)| {
            let mut metrics = Metrics::default();
            metrics.set(figure, value);
            Cell { workload: workload.to_owned(), peer: peer.to_owned(), round: 0, outcome: Outcome::Measured(metrics) }
        };
        Results { cells: figures.iter().map(cell).collect(), ..Results::default() }
    }

    fn verdict(results: &Results, says: &str) -> Option<bool> {
        let targets = all(results);
        let target = targets.iter().find(|target| target.says.starts_with(says)).expect("there is such a target");
        target.found.as_ref().map(Found::reached)
    }

    #[test]
    fn the_lower_of_two_peers_counts() {
        let cpu = Figure::CpuPerDelivery;
        let figures = [("burst", "topicast", cpu, 4.2), ("burst", "bun", cpu, 5.0), ("burst", "floor", cpu, 4.0)];
        let burst = "burst: CPU per delivery, of the lower";
        assert_eq!(verdict(&results(&figures), burst), Some(true));
        assert_eq!(verdict(&results(&figures[..2]), burst), None);
        let missed = [("burst", "topicast", cpu, 4.3), figures[1], figures[2]];
        assert_eq!(verdict(&results(&missed), burst), Some(false));
    }

    #[test]
    fn latency_may_be_a_millisecond_above() {
        let p99 = Figure::P99;
        for (ours, theirs, reached) in [(1900.0, 1000.0, true), (2100.0, 1000.0, false), (11_400.0, 10_000.0, true)] {
            let figures = results(&[("wide", "topicast", p99, ours), ("wide", "bun", p99, theirs)]);
            assert_eq!(verdict(&figures, "wide: p99"), Some(reached), "{ours} against {theirs}");
        }
    }

    #[test]
    fn what_slow_readers_were_not_told_counts_over_all_rounds() {
        let quiet = results(&[("slow", "topicast", Figure::SlowClosed, 0.0)]);
        assert_eq!(verdict(&quiet, "slow: drops"), Some(true));
        let silent =
            results(&[("slow", "topicast", Figure::SlowClosed, 0.0), ("slow", "topicast", Figure::SlowMissed, 1.0)]);
        assert_eq!(verdict(&silent, "slow: drops"), Some(false));
    }

    #[test]
    fn what_must_not_happen_counts_over_all_rounds() {
        let lost = |values: &[f64]| {
            let figures: Vec<_> =
                values.iter().map(|&value| ("return", "topicast-history", Figure::Lost, value)).collect();
            verdict(&results(&figures), "return: updates lost")
        };
        assert_eq!([lost(&[]), lost(&[0.0, 0.0, 0.0]), lost(&[0.0, 0.0, 1.0])], [None, Some(true), Some(false)]);
        let behind = |latest| {
            let drop = ("slow", "topicast-drop", Figure::Behind, 0.0);
            verdict(
                &results(&[drop, ("slow", "topicast-latest", Figure::Behind, latest)]),
                "slow: slow readers without",
            )
        };
        assert_eq!([behind(0.0), behind(1.0)], [Some(true), Some(false)]);
    }

    #[test]
    fn a_history_is_weighed_against_the_same_updates_without_one() {
        let rss = Figure::RssPerUpdate;
        for (with, reached) in [(266.0, true), (267.0, false)] {
            let figures = results(&[("retain", "topicast-history", rss, with), ("retain", "topicast", rss, 2.0)]);
            assert_eq!(verdict(&figures, "retain: "), Some(reached), "{with}");
        }
    }

    #[test]
    fn the_table_has_a_row_for_every_target() {
        let text = markdown(&Results::default());
        assert_eq!(text.lines().count(), 2 + all(&Results::default()).len());
        assert!(text.contains("not measured"));
    }
}
