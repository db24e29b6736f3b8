//! Measures the return of subscribers that were cut all at once, and what it does to others.

use crate::cell::{DRAIN, Session, Stretch, count, figure, pause, whole};
use crate::child::PATIENT;
use crate::clock;
use crate::kernel::Cpu;
use crate::load::{Measure, Order, Reading, Return};
use crate::load_process::Load;
use crate::result::{Figure, Metrics};
use crate::workload::Workload;

/// Before the measurement, in seconds.
const WARM_UP: f64 = 1.0;

/// The timeout of a return, in seconds after the last connection was opened.
const LONGEST: f64 = 20.0;

/// How long the updates that were due may take in the end.
const NEWEST_US: u64 = 10_000_000;

/// Cuts so many subscribers, which return over so many seconds. The workload's own stay connected.
pub(crate) fn run(mut session: Session<'_>, returning: usize, over: f64) -> Result<Metrics, String> {
    // A separate process returns, with a lower priority than the measuring one.
    let mut crowd = Load::start(session.port, session.setup.load_core, PATIENT, &session.setup.folder)?;
    let subscribers = Workload { connections: returning, ..*session.workload };
    crowd.connect_all(session.order(&subscribers, 0, Reading::Always))?;
    session.connect()?;

    let (rate, seconds) = (session.workload.rate, session.setup.seconds(session.workload));
    let after = over + LONGEST + DRAIN;
    let (schedule, first) =
        session.schedule(Stretch { rate, seconds: seconds + after, warm_up: WARM_UP, drain: DRAIN });
    let end = first + whole(seconds * rate);
    let from_us = schedule.at(first, 0);
    let base_us = schedule.at(end, 0);
    let give_up_us = base_us + whole(DRAIN * 1e6);
    session.load.begin(Measure { schedule, first, end, give_up_us, keep: false })?;
    session.follow(&schedule)?;
    let server = session.server.id();
    clock::sleep_until(from_us);
    let cpu = Cpu::of(server)?;
    clock::sleep_until(base_us);
    let cpu_per_delivery =
        Cpu::of(server)?.since(&cpu) / (figure(end - first) * count(returning + session.workload.connections));
    let base = session.load.measured(give_up_us)?;

    let give_up_us = schedule.end_us();
    let first = schedule.due(clock::now_us());
    session.load.begin(Measure { schedule, first, end: schedule.ticks, give_up_us, keep: true })?;
    let cut_us = clock::now_us();
    let cpu = Cpu::of(server)?;
    let give_up_us = cut_us + whole((over + LONGEST) * 1e6);
    crowd.send(&Order::Return(Return { over_us: whole(over * 1e6), schedule, give_up_us }))?;
    let returned = crowd.returned(give_up_us)?;
    let spent = Cpu::of(server)?.since(&cpu);
    let until_us = clock::now_us();
    // Updates that were due meanwhile may still be in transit.
    pause(1.0);
    session.load.send(&Order::Cut { from_us: cut_us, until_us })?;
    let stayed = session.load.measured(clock::now_us())?;
    let newest = schedule.due(clock::now_us());
    let ended = crowd.ended(newest, NEWEST_US)?;
    if returned.live == 0 {
        return Err(format!("no connection returned, {} were refused: {:?}", returned.refused, returned.failure));
    }

    let live = cpu_per_delivery * (figure(returned.followed) + figure(stayed.received));
    let lost = |expected: u64, received: u64| figure(expected.saturating_sub(received));
    for (name, value) in [
        (Figure::Rate, rate),
        (Figure::ReturnSeconds, figure(returned.micros) / 1e6),
        (Figure::CpuPerDelivery, cpu_per_delivery),
        (Figure::CpuPerReturn, spent / count(returned.live)),
        (Figure::CpuPerRecovery, (spent - live) / count(returned.live)),
        (Figure::ReplayedPerRecovery, figure(returned.replayed) / count(returned.live)),
        (Figure::NotRecovered, count(returned.refused + returned.failed)),
        (
            Figure::Lost,
            lost(base.expected, base.received)
                + lost(stayed.expected, stayed.received)
                + figure(ended.missing + ended.lacking),
        ),
        (Figure::Disorder, figure(base.disorder + stayed.disorder + ended.repeated)),
        (Figure::BaseP99, figure(base.latency.p99)),
        (Figure::P50, figure(stayed.latency.p50)),
        (Figure::P99, figure(stayed.latency.p99)),
        (Figure::P999, figure(stayed.latency.p999)),
        (Figure::Early, figure(base.early + stayed.early)),
        (Figure::Closed, count(stayed.closed)),
    ] {
        session.metrics.set(name, value);
    }
    if let Some(failure) = &returned.failure {
        eprintln!("{} connections failed, the first: {failure}", returned.failed);
    }
    Ok(session.metrics)
}
