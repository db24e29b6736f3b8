//! Measures how a storm of new connections affects existing ones.

use crate::cell::{DRAIN, Session, Stretch, count, figure, pause};
use crate::child::PATIENT;
use crate::clock;
use crate::load::{Connect, Order, Reading};
use crate::load_process::Load;
use crate::result::{Figure, Metrics};
use crate::workload::{STORM, Workload};

/// The timeout of a storm, in seconds.
const LONGEST: f64 = 30.0;

/// Runs a storm. With `quiet`, the new connections subscribe to a topic without updates.
pub(crate) fn run(mut session: Session<'_>, quiet: bool) -> Result<Metrics, String> {
    session.connect()?;
    let rate = session.workload.rate;
    let seconds = session.setup.seconds(session.workload);
    let base = session.measure(Stretch { rate, seconds, warm_up: 1.0, drain: DRAIN })?;
    session.metrics.set(Figure::BaseP99, figure(base.measured.latency.p99));

    // A separate process opens the new connections, with a lower priority than the measuring one.
    let mut storm = Load::start(session.port, session.setup.load_core, PATIENT, &session.setup.folder)?;
    let stretch = Stretch { rate, seconds: LONGEST + DRAIN + 1.0, warm_up: 0.0, drain: DRAIN };
    session.begin(stretch, true)?;
    pause(0.5);
    let from_us = clock::now_us();
    let give_up_us = from_us + crate::cell::whole(LONGEST * 1e6);
    let newcomers = Workload { connections: STORM, ..*session.workload };
    let order =
        Connect { in_flight: STORM, give_up_us, ..session.order(&newcomers, u32::from(quiet), Reading::Always) };
    let connected = storm.connect(order)?;
    let until_us = clock::now_us();
    // Updates that were due during the storm may still be in transit.
    pause(2.0);
    session.load.send(&Order::Cut { from_us, until_us })?;
    let measured = session.load.measured(clock::now_us())?;
    let lost = measured.expected.saturating_sub(measured.received);
    for (name, value) in [
        (Figure::Rate, rate),
        (Figure::ConnectSeconds, figure(connected.micros) / 1e6),
        (Figure::StormFailed, count(connected.failed)),
        (Figure::P50, figure(measured.latency.p50)),
        (Figure::P99, figure(measured.latency.p99)),
        (Figure::P999, figure(measured.latency.p999)),
        (Figure::SpreadP50, figure(measured.spread.p50)),
        (Figure::SpreadP99, figure(measured.spread.p99)),
        (Figure::Lost, figure(lost)),
        (Figure::Disorder, figure(measured.disorder)),
        (Figure::Early, figure(measured.early)),
        (Figure::Closed, count(measured.closed)),
    ] {
        session.metrics.set(name, value);
    }
    Ok(session.metrics)
}
