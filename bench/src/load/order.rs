//! What a load client is told and what it answers, a line of JSON each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Answered with `Connected` once every connection is subscribed or has failed.
    Connect(Connect),
    /// Answered with `Measured` once every update has arrived, or at the time to give up.
    Measure(Measure),
    /// Ends a measurement that keeps its samples. `Measured` tells of the updates that were
    /// due in this time only.
    Cut { from_us: u64, until_us: u64 },
    /// Reads what the slow connections were sent; answered with `Drained` once nothing came
    /// for so long.
    Drain { quiet_us: u64, give_up_us: u64 },
}

/// Connections to open and to subscribe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Connect {
    pub(crate) count: usize,
    /// Topics from this one on are shared out among the connections.
    pub(crate) first_topic: u32,
    pub(crate) topics: u32,
    pub(crate) topics_per_connection: u32,
    /// How many connections may be on their way at once.
    pub(crate) in_flight: usize,
    /// Whether they never read once they are subscribed.
    pub(crate) slow: bool,
    pub(crate) give_up_us: u64,
}

/// Updates to wait for and to measure: those of the schedule's ticks from `first` up to, and
/// without, `end`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measure {
    pub(crate) schedule: Schedule,
    pub(crate) first: u64,
    pub(crate) end: u64,
    pub(crate) give_up_us: u64,
    /// Whether to keep every sample, for an end that is not known yet.
    pub(crate) keep: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    Connected(Connected),
    Measured(Measured),
    Drained(Drained),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Connected {
    /// Connections that are subscribed.
    pub(crate) subscribed: usize,
    pub(crate) failed: usize,
    /// Why the first one that failed did.
    pub(crate) failure: Option<String>,
    /// From the order to the last answer.
    pub(crate) micros: u64,
}

/// Times in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Updates that were due in the time measured: those that came, and all that had to.
    pub(crate) received: u64,
    pub(crate) expected: u64,
    /// Numbers left out between two updates of a topic.
    pub(crate) gaps: u64,
    /// Updates that came after a later one, twice, or unasked.
    pub(crate) disorder: u64,
    /// Updates that came before they were due: the clocks differ.
    pub(crate) early: u64,
    /// Connections that the server has ended.
    pub(crate) closed: usize,
    /// Updates that came in the time measured, whenever they were due, and their bytes.
    pub(crate) arrivals: u64,
    pub(crate) arrived_bytes: u64,
    /// From when an update was due until it was read.
    pub(crate) latency: Quantiles,
    /// From the first to the last subscriber of one update.
    pub(crate) spread: Quantiles,
}

/// What slow connections found once they began to read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Drained {
    pub(crate) received: u64,
    /// Numbers left out, and how many of them the server's messages said.
    pub(crate) gaps: u64,
    pub(crate) told: u64,
    /// Connections that the server has ended, by close code; 0 is without one.
    pub(crate) closed: BTreeMap<u16, usize>,
}
