//! The results, as they are stored in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The results of one run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// The software and the machine, as names and values.
    pub(crate) machine: Vec<(String, String)>,
    pub(crate) versions: Vec<(String, String)>,
    /// Peers that could not take part, and why.
    pub(crate) missing: Vec<(String, String)>,
    pub(crate) cells: Vec<Cell>,
}

/// One peer under one workload in one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) workload: String,
    pub(crate) peer: String,
    pub(crate) round: u32,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Measured(Metrics),
    Failed(String),
}

/// Figures of one cell. What a workload does not ask for is absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Metrics(BTreeMap<Figure, f64>);

/// What a number of the results is. Times are in microseconds and sizes in bytes, unless the
/// name says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Updates of a topic per second.
    Rate,
    /// Deliveries per second: scheduled, and made.
    OfferedPerSecond,
    DeliveriesPerSecond,
    /// Time of the server's process on a processor, and deliveries for each second of it.
    CpuPerDelivery,
    DeliveriesPerCpuSecond,
    /// Sending system calls.
    CallsPerDelivery,
    /// From when an update was due until it was read.
    P50,
    P99,
    P999,
    /// From the first to the last subscriber of one update.
    SpreadP50,
    SpreadP99,
    /// Resident bytes that a subscribed connection adds: all pages, and shared ones in parts.
    RssPerConnection,
    PssPerConnection,
    /// The same after the updates.
    RssPerConnectionAfter,
    /// Updates that did not arrive.
    Lost,
    /// Updates out of order, twice or unasked.
    Disorder,
    /// Updates that arrived before they were due.
    Early,
    /// Connections that read and were ended by the server.
    Closed,
    /// Bytes of an update's frame.
    FrameBytes,
    /// The load client's own time on a processor for each delivery.
    LoadPerDelivery,
    /// Which part of the time the server's process, its core as a whole, and the load client
    /// were busy.
    ServerBusy,
    CoreBusy,
    LoadBusy,
    /// How long all connections took to be subscribed.
    ConnectSeconds,
    /// The 99th percentile before the slow connections, or the storm, came.
    BaseP99,
    /// Slow connections: updates received, missed, and reported as missed by the server.
    SlowReceived,
    SlowMissed,
    SlowTold,
    /// Slow connections that were ended, and those of them with close code 1013.
    SlowClosed,
    SlowClosed1013,
    /// Resident bytes that a slow connection added.
    SlowRss,
    /// Connections of a storm that were not subscribed in time.
    StormFailed,
    /// The part of the server's time that its busiest thread had.
    BusiestThread,
    /// Subscriptions that did not have the newest update in the end.
    Behind,
    /// Of the values that were due, the part that newer ones superseded on the way, and the same of
    /// connections that read slowly.
    Superseded,
    SlowSuperseded,
    /// Resident bytes of the server in the first, the second and the last third of the time.
    RssFirst,
    RssSecond,
    RssLast,
    /// From a cut until the last connection was live again.
    ReturnSeconds,
    /// The server's time on a processor between the two for each connection, with the live updates
    /// in that time and without.
    CpuPerReturn,
    CpuPerRecovery,
    /// Updates that a connection was sent before it was live.
    ReplayedPerRecovery,
    /// Connections that were not recovered.
    NotRecovered,
    /// Resident bytes that each update of a topic without subscribers added.
    RssPerUpdate,
}

impl Metrics {
    pub(crate) fn get(&self, figure: Figure) -> Option<f64> {
        self.0.get(&figure).copied()
    }

    pub(crate) fn remove(&mut self, figure: Figure) {
        self.0.remove(&figure);
    }

    /// Stores a figure with six digits, unless it is not a number.
    pub(crate) fn set(&mut self, figure: Figure, value: f64) {
        if value.is_finite() {
            let rounded = format!("{value:.5e}").parse().unwrap_or(value);
            self.0.insert(figure, rounded);
        }
    }
}

impl Results {
    /// The figures of a peer under a workload, a round each.
    pub(crate) fn metrics<'a>(&'a self, workload: &'a str, peer: &'a str) -> impl Iterator<Item = &'a Metrics> {
        self.cells_of(workload, peer).filter_map(|cell| match &cell.outcome {
            Outcome::Measured(metrics) => Some(metrics),
            Outcome::Failed(_) => None,
        })
    }

    pub(crate) fn cells_of<'a>(&'a self, workload: &'a str, peer: &'a str) -> impl Iterator<Item = &'a Cell> {
        self.cells.iter().filter(move |cell| cell.workload == workload && cell.peer == peer)
    }

    /// A figure over all rounds.
    pub(crate) fn summary(&self, workload: &str, peer: &str, figure: Figure) -> Option<Summary> {
        Summary::of(self.metrics(workload, peer).filter_map(|metrics| metrics.get(figure)))
    }

    /// Writes JSON with one line per cell, so that results can be compared line by line.
    pub(crate) fn json(&self) -> Result<String, String> {
        let text = |value: serde_json::Result<String>| value.map_err(|error| error.to_string());
        let cells: Vec<String> = self
            .cells
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        Ok(format!(
            "{{\n\"machine\": {},\n\"versions\": {},\n\"missing\": {},\n\"cells\": [\n{}\n]\n}}\n",
            text(serde_json::to_string(&self.machine))?,
            text(serde_json::to_string(&self.versions))?,
            text(serde_json::to_string(&self.missing))?,
            cells.join(",\n")
        ))
    }
}

/// A figure over several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let half = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let cell = |round, outcome| Cell { workload: "burst".to_owned(), peer: "bun".to_owned(), round, outcome };
        let measured = |value| {
            let mut metrics = Metrics::default();
            metrics.set(Figure::P99, value);
            metrics.set(Figure::SlowRss, f64::NAN);
            Outcome::Measured(metrics)
        };
        Results {
            cells: vec![cell(0, measured(3.0)), cell(1, measured(1.0)), cell(2, Outcome::Failed("no".to_owned()))],
            ..Results::default()
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let results = results();
        let again: Results = serde_json::from_str(&results.json().unwrap()).unwrap();
        assert_eq!(again.json(), results.json());
        assert_eq!(again.cells.len(), 3);
    }

    #[test]
    fn a_median_lies_between_the_two_in_the_middle() {
        let results = results();
        let summary = results.summary("burst", "bun", Figure::P99);
        assert_eq!(summary, Some(Summary { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(results.summary("burst", "bun", Figure::SlowRss), None);
        assert_eq!(Summary::of([5.0, 1.0, 2.0].into_iter()).unwrap().median, 2.0);
    }
}
