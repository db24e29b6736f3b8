//! What is measured: so many connections, topics and updates.

/// What a workload is about, beyond its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Updates at a steady rate.
    Steady,
    /// No updates; what connections cost in memory.
    Idle,
    /// Some connections never read.
    Slow,
    /// Many connect at once while others are being served, to the topic of those or to a quiet one.
    Storm { quiet: bool },
    /// Half the rate that `Flood` finds.
    Half,
    /// The highest rate at which nothing is lost and latency stays bounded.
    Flood,
    /// A steady rate over both cores.
    Shards,
    /// Updates without subscribers; what a topic keeps of them in memory.
    Retain,
    /// So many subscribers are cut at once, return over so many seconds and recover.
    Return { returning: usize, seconds: u32 },
    /// Values supersede each other, and some connections read at a tenth of the rate.
    Conflate,
}

#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    pub(crate) topics: u32,
    pub(crate) topics_per_connection: u32,
    /// Updates a topic and second.
    pub(crate) rate: f64,
    /// How long is measured, in seconds.
    pub(crate) seconds: f64,
}

/// Of how many connections one never reads, in a workload that is slow.
pub(crate) const SLOW_ONE_IN: usize = 20;

/// How many bytes may wait for one of those, where a server has such a limit. Less than usual,
/// so that it is reached within a run.
pub(crate) const SLOW_UNSENT_BYTES: usize = 32 * 1024;

/// Of how many connections one reads at a tenth of the rate, in a workload that conflates.
pub(crate) const CONFLATE_ONE_IN: usize = 10;

/// How many updates a topic keeps, in a channel with a history.
pub(crate) const HISTORY: u64 = 1000;

/// How many connect at once in a storm.
pub(crate) const STORM: usize = 10_000;

/// The latency that 99 % of the updates of a flood may have at most.
pub(crate) const FLOOD_P99_US: u64 = 50_000;

const PLAIN: Workload = Workload {
    name: "",
    says: "",
    kind: Kind::Steady,
    connections: 200,
    topics: 1,
    topics_per_connection: 1,
    rate: 0.0,
    seconds: 4.0,
};

pub(crate) const WORKLOADS: &[Workload] = &[
    Workload {
        name: "trickle",
        says: "1,000 connections, one topic, 5 updates a second",
        connections: 1000,
        rate: 5.0,
        seconds: 6.0,
        ..PLAIN
    },
    Workload { name: "burst", says: "200 connections, one topic, 400 updates a second", rate: 400.0, ..PLAIN },
    Workload {
        name: "wide",
        says: "1,000 connections, 20 of 200 topics each, 10 updates a topic and second, all topics at each tick",
        connections: 1000,
        topics: 200,
        topics_per_connection: 20,
        rate: 10.0,
        ..PLAIN
    },
    Workload {
        name: "crowd",
        says: "10,000 connections, one topic, 5 updates a second",
        connections: 10_000,
        rate: 5.0,
        ..PLAIN
    },
    Workload {
        name: "idle",
        says: "10,000 connections, one topic, no updates",
        kind: Kind::Idle,
        connections: 10_000,
        ..PLAIN
    },
    Workload {
        name: "slow",
        says: "1,000 connections, of them 5 % never read, one topic, 50 updates a second",
        kind: Kind::Slow,
        connections: 1000,
        rate: 50.0,
        ..PLAIN
    },
    Workload {
        name: "storm",
        says: "10,000 connect and subscribe at once while 200 are being served, one topic, 20 updates a second",
        kind: Kind::Storm { quiet: false },
        rate: 20.0,
        ..PLAIN
    },
    Workload {
        name: "storm-quiet",
        says: "10,000 connect and subscribe at once, to a topic without updates, while 200 are being served 20 updates a second",
        kind: Kind::Storm { quiet: true },
        rate: 20.0,
        ..PLAIN
    },
    Workload {
        name: "flood",
        says: "200 connections, one topic, as fast as it goes with p99 under 50 ms",
        kind: Kind::Flood,
        seconds: 2.0,
        ..PLAIN
    },
    Workload { name: "half", says: "200 connections, one topic, half of what flood found", kind: Kind::Half, ..PLAIN },
    Workload {
        name: "shards",
        says: "200 connections, one topic, 200 updates a second, a server on both cores",
        kind: Kind::Shards,
        rate: 200.0,
        ..PLAIN
    },
    Workload {
        name: "return",
        says: "8,000 subscribers are cut at once, return over 10 s and recover, while 200 stay; one topic with a history, \
               20 updates a second. The other servers have no recovery and take no part",
        kind: Kind::Return { returning: 8000, seconds: 10 },
        rate: 20.0,
        ..PLAIN
    },
    Workload {
        name: "conflate",
        says: "1,000 connections, of them 10 % read at a tenth of the rate, 20 of 200 `latest` topics each, 200 updates a \
               topic and second. The other servers have no such topics and take no part",
        kind: Kind::Conflate,
        connections: 1000,
        topics: 200,
        topics_per_connection: 20,
        rate: 200.0,
        seconds: 12.0,
    },
    Workload {
        name: "retain",
        says: "no connections, 100 topics, 1,000 updates of each, with a history and without",
        kind: Kind::Retain,
        connections: 0,
        topics: 100,
        rate: 500.0,
        ..PLAIN
    },
];

/// Short forms for tests. They run only where they are named.
static SHORT: [Workload; 3] = [
    Workload {
        name: "smoke",
        says: "20 connections, one of two topics each, 50 updates a topic and second",
        connections: 20,
        topics: 2,
        rate: 50.0,
        seconds: 1.0,
        ..PLAIN
    },
    Workload {
        name: "return-short",
        says: "200 subscribers are cut at once, return over 1 s and recover, while 20 stay; one topic with a history, \
               50 updates a second",
        kind: Kind::Return { returning: 200, seconds: 1 },
        connections: 20,
        rate: 50.0,
        seconds: 1.0,
        ..PLAIN
    },
    Workload {
        name: "conflate-short",
        says: "50 connections, of them 10 % read at a tenth of the rate, 5 of 20 `latest` topics each, 200 updates a \
               topic and second",
        kind: Kind::Conflate,
        connections: 50,
        topics: 20,
        topics_per_connection: 5,
        rate: 200.0,
        seconds: 2.0,
    },
];

/// Returns all workloads, with the short forms.
pub(crate) fn every() -> impl Iterator<Item = &'static Workload> {
    WORKLOADS.iter().chain(&SHORT)
}

pub(crate) fn find(name: &str) -> Option<&'static Workload> {
    every().find(|workload| workload.name == name)
}

impl Workload {
    /// Returns true if another benchmark at the same time would change the figures that matter.
    pub(crate) fn needs_quiet(&self) -> bool {
        self.kind != Kind::Retain && !SHORT.iter().any(|short| short.name == self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_described() {
        let described = include_str!("../README.md");
        for Workload { name, .. } in every() {
            assert!(described.contains(&format!("\n| {name} |")) || described.contains(&format!("`{name}`")), "{name}");
        }
    }
}
