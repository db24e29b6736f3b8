//! Measures how connections that never read affect others and memory, and what the server reports to them.

use crate::cell::{DRAIN, Session, Stretch, count, figure, pause};
use crate::clock;
use crate::kernel::Memory;
use crate::load::Reading;
use crate::result::{Figure, Metrics};
use crate::workload::{SLOW_ONE_IN, Workload};

/// How long updates continue so that the buffers of the slow connections fill, in seconds.
const JAM: f64 = 12.0;

/// How long slow connections may receive nothing before they count as drained.
const QUIET_US: u64 = 1_500_000;

const GIVE_UP_US: u64 = 10_000_000;

/// How long slow connections may take to have the newest update after that.
const NEWEST_US: u64 = 1_000_000;

/// Measures the reading connections twice, on servers from `start`: alone, and beside slow ones.
/// Both measurements follow the same number of updates, since the cost of a delivery grows by a
/// third within the first hundreds of updates in either case.
pub(crate) fn run<'a>(start: impl Fn() -> Result<Session<'a>, String>) -> Result<Metrics, String> {
    let mut alone = start()?;
    let workload = alone.workload;
    let slow = workload.connections / SLOW_ONE_IN;
    let reading = Workload { connections: workload.connections - slow, ..*workload };
    let never_reading = Workload { connections: slow, ..*workload };
    let (rate, seconds) = (workload.rate, alone.setup.seconds(workload));
    let stretch = Stretch { rate, seconds, warm_up: JAM, drain: DRAIN };
    alone.load.connect_all(alone.order(&reading, 0, Reading::Always))?;
    let before = Memory::of(alone.server.id())?;
    let base = alone.measure(stretch)?;
    // Subtracts the memory that updates add without slow connections.
    let grown_alone = Memory::of(alone.server.id())?.rss - before.rss;
    drop(alone);

    let mut session = start()?;
    session.metrics.set(Figure::BaseP99, figure(base.measured.latency.p99));
    let connected = session.load.connect_all(session.order(&reading, 0, Reading::Always))?;
    session.metrics.set(Figure::ConnectSeconds, figure(connected.micros) / 1e6);
    let before = Memory::of(session.server.id())?;
    session.load.connect_all(session.order(&never_reading, 0, Reading::Never))?;
    let found = session.measure(stretch)?;
    session.keep(stretch, &found);
    session.metrics.set(Figure::OfferedPerSecond, rate * count(reading.connections));
    let after = Memory::of(session.server.id())?;
    session.metrics.set(Figure::SlowRss, (after.rss - before.rss - grown_alone) / count(slow));
    drain(&mut session)?;
    Ok(session.metrics)
}

/// Makes the slow connections read while updates continue, so that the server can report skipped updates.
fn drain(session: &mut Session<'_>) -> Result<(), String> {
    let give_up_us = clock::now_us() + GIVE_UP_US;
    session.begin_drain(QUIET_US, give_up_us)?;
    pause(0.2);
    session.publish(Stretch { rate: session.workload.rate, seconds: 1.0, warm_up: 0.0, drain: 0.0 })?;
    let drained = session.load.drained(give_up_us)?;
    let ended = session.load.ended(session.published, NEWEST_US)?;
    let closed: usize = drained.closed.values().sum();
    let told_why = drained.closed.get(&1013).copied().unwrap_or(0);
    for (name, value) in [
        (Figure::SlowReceived, figure(drained.received)),
        (Figure::SlowMissed, figure(drained.gaps)),
        (Figure::SlowTold, figure(drained.reported)),
        (Figure::Behind, figure(ended.behind)),
        (Figure::SlowClosed, count(closed)),
        (Figure::SlowClosed1013, count(told_why)),
    ] {
        session.metrics.set(name, value);
    }
    Ok(())
}
