//! What connections that never read do to the others, to memory, and what they are told.

use crate::cell::{Session, Stretch, count, figure, pause};
use crate::clock;
use crate::kernel::Memory;
use crate::result::{Figure, Metrics};
use crate::run::DRAIN;
use crate::workload::{SLOW_ONE_IN, Workload};

/// How long updates go on until the buffers of the slow connections are full, in seconds. As long
/// before those without slow ones are measured: what a delivery costs grows by a third within the
/// first seconds of a connection, as more acknowledgements are made on the sender's core.
const JAM: f64 = 12.0;

/// How long the slow connections may be silent before they count as read to the end.
const QUIET_US: u64 = 1_500_000;

const GIVE_UP_US: u64 = 10_000_000;

pub(crate) fn run(mut session: Session<'_>) -> Result<Metrics, String> {
    let all = session.workload.connections;
    let slow = all / SLOW_ONE_IN;
    let reading = Workload { connections: all - slow, ..*session.workload };
    let connected = session.load.connect_all(session.order(&reading, 0, false))?;
    session.metrics.set(Figure::ConnectSeconds, figure(connected.micros) / 1e6);
    let seconds = session.setup.seconds(session.workload);
    let rate = session.workload.rate;
    let base = session.measure(Stretch { rate, seconds, warm_up: JAM, drain: DRAIN })?;
    session.metrics.set(Figure::BaseP99, figure(base.measured.latency.p99));

    let before = Memory::of(session.server.id())?;
    let never_reading = Workload { connections: slow, ..*session.workload };
    session.load.connect_all(session.order(&never_reading, 0, true))?;
    let stretch = Stretch { rate, seconds, warm_up: JAM, drain: DRAIN };
    let found = session.measure(stretch)?;
    session.keep(stretch, &found);
    session.metrics.set(Figure::OfferedPerSecond, rate * count(reading.connections));
    let after = Memory::of(session.server.id())?;
    session.metrics.set(Figure::SlowRss, (after.rss - before.rss) / count(slow));
    drain(&mut session)?;
    Ok(session.metrics)
}

/// Lets the slow ones read, while updates go on so that they can be told what they missed.
fn drain(session: &mut Session<'_>) -> Result<(), String> {
    let give_up_us = clock::now_us() + GIVE_UP_US;
    session.begin_drain(QUIET_US, give_up_us)?;
    pause(0.2);
    session.publish(Stretch { rate: session.workload.rate, seconds: 1.0, warm_up: 0.0, drain: 0.0 })?;
    let drained = session.load.drained(give_up_us)?;
    let closed: usize = drained.closed.values().sum();
    let told_why = drained.closed.get(&1013).copied().unwrap_or(0);
    for (name, value) in [
        (Figure::SlowReceived, figure(drained.received)),
        (Figure::SlowMissed, figure(drained.gaps)),
        (Figure::SlowTold, figure(drained.told)),
        (Figure::SlowClosed, count(closed)),
        (Figure::SlowClosed1013, count(told_why)),
    ] {
        session.metrics.set(name, value);
    }
    Ok(())
}
