//! The orders to a load client and its answers, one line of JSON each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schedule::Schedule;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Answered with `Connected` once every connection is subscribed or has failed.
    Connect(Connect),
    /// Answered with `Measured` once every update has arrived, or at the time to give up.
    Measure(Measure),
    /// Ends a measurement that keeps its samples. `Measured` covers the updates that were due in
    /// this time only.
    Cut { from_us: u64, until_us: u64 },
    /// Reads from the slow connections; answered with `Drained` once nothing arrives for this long.
    Drain { quiet_us: u64, give_up_us: u64 },
    /// Cuts all connections; answered with `Returned` once each has recovered and is live.
    Return(Return),
    /// Answered with `Ended` once every subscription has this update or a newer one, or at the time
    /// to give up.
    Await { newest: u64, give_up_us: u64 },
}

/// Connections to open and to subscribe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Connect {
    pub(crate) count: usize,
    /// The first of the topics that are distributed over the connections.
    pub(crate) first_topic: u32,
    pub(crate) topics: u32,
    pub(crate) topics_per_connection: u32,
    /// The limit of connections in progress.
    pub(crate) in_flight: usize,
    pub(crate) reading: Reading,
    pub(crate) give_up_us: u64,
}

/// How connections read once they are subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reading {
    /// Everything at once.
    Always,
    /// At most this many bytes per second.
    Paced(u64),
    Never,
}

/// The connections of the client lose their sockets at once, and open new ones one after the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Return {
    /// The time from the first new socket to the last.
    pub(crate) over_us: u64,
    /// What the server publishes meanwhile, and has published only.
    pub(crate) schedule: Schedule,
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
    /// Whether to keep every sample because the end is not known yet.
    pub(crate) keep: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    Connected(Connected),
    Measured(Measured),
    Drained(Drained),
    Returned(Returned),
    Ended(Ended),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Connected {
    /// Connections that are subscribed.
    pub(crate) subscribed: usize,
    pub(crate) failed: usize,
    /// The error of the first connection that failed.
    pub(crate) failure: Option<String>,
    /// The time from the order to the last answer.
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
    /// Updates that were due in the measured time: the number received, and the number expected.
    pub(crate) received: u64,
    pub(crate) expected: u64,
    /// Numbers missing between two updates of a topic.
    pub(crate) gaps: u64,
    /// Updates that arrived out of order, twice, or without a subscription.
    pub(crate) disorder: u64,
    /// Updates that arrived before they were due, which means that the clocks differ.
    pub(crate) early: u64,
    /// Connections that the server ended.
    pub(crate) closed: usize,
    /// Updates that arrived in the measured time, whenever they were due, and their bytes.
    pub(crate) arrivals: u64,
    pub(crate) arrived_bytes: u64,
    /// The time from when an update was due until it was read.
    pub(crate) latency: Quantiles,
    /// The time between the first and the last subscriber of an update.
    pub(crate) spread: Quantiles,
}

/// What slow connections received once they read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Drained {
    pub(crate) received: u64,
    /// Missing numbers, and how many of them the server reported.
    pub(crate) gaps: u64,
    pub(crate) reported: u64,
    /// Connections that the server ended, by close code; 0 is without one.
    pub(crate) closed: BTreeMap<u16, usize>,
}

/// How connections recovered after a cut.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Returned {
    /// Connections that were recovered and are live: they have every update that was due when the
    /// server answered them.
    pub(crate) live: usize,
    /// Connections that the server did not recover, and that failed.
    pub(crate) refused: usize,
    pub(crate) failed: usize,
    /// The error of the first connection that failed.
    pub(crate) failure: Option<String>,
    /// The time from the cut until the last connection was live.
    pub(crate) micros: u64,
    /// Updates received before a connection was live, and after.
    pub(crate) replayed: u64,
    pub(crate) followed: u64,
}

/// What subscriptions have in the end, and missed since the client was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// Subscriptions without the newest update, and how many updates they lack.
    pub(crate) behind: u64,
    pub(crate) lacking: u64,
    /// Numbers missing between two updates of a connection that reads everything at once.
    pub(crate) missing: u64,
    /// The same of the other connections.
    pub(crate) missing_slow: u64,
    /// Updates that arrived out of order, twice, or without a subscription.
    pub(crate) repeated: u64,
}
