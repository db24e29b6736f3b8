//! Runs each kind of workload on a peer.

use crate::cell::{DRAIN, Session, Setup, Stretch, pause};
use crate::child::Program;
use crate::conflate;
use crate::flood;
use crate::result::{Figure, Metrics};
use crate::retain;
use crate::returning;
use crate::slow;
use crate::storm;
use crate::workload::{Kind, Workload};

/// Runs a workload on a peer and returns its figures. Searches for the peer's capacity first if
/// the workload depends on it and it is unknown.
pub(crate) fn run(
    setup: &Setup,
    workload: &Workload,
    program: &Program,
    capacity: Option<f64>,
) -> Result<Metrics, String> {
    let start = || Session::start(setup, workload, program);
    match workload.kind {
        Kind::Steady => steady(start()?, workload.rate),
        Kind::Idle => idle(start()?),
        Kind::Slow => slow::run(start),
        Kind::Storm { quiet } => storm::run(start()?, quiet),
        Kind::Flood => flood::search(start, setup.seconds(workload)).map(|session| session.metrics),
        Kind::Half => {
            let capacity = match capacity {
                Some(capacity) => capacity,
                None => flood::capacity(&flood::search(start, setup.seconds(workload) / 4.0)?)?,
            };
            steady(start()?, capacity / 2.0)
        }
        Kind::Shards => shards(start()?),
        Kind::Retain => retain::run(start()?),
        Kind::Return { returning, seconds } => returning::run(start()?, returning, f64::from(seconds)),
        Kind::Conflate => conflate::run(start),
    }
}

fn steady(mut session: Session<'_>, rate: f64) -> Result<Metrics, String> {
    session.connect()?;
    pause(0.5);
    session.weigh(session.workload.connections)?;
    let seconds = session.setup.seconds(session.workload);
    let stretch = Stretch { rate, seconds, warm_up: 1.0, drain: DRAIN };
    let found = session.measure(stretch)?;
    session.keep(stretch, &found);
    session.weigh_again(session.workload.connections)?;
    session.count_calls(rate)?;
    Ok(session.metrics)
}

fn idle(mut session: Session<'_>) -> Result<Metrics, String> {
    session.connect()?;
    // Gives garbage-collected runtimes time to collect.
    pause(2.0);
    session.weigh(session.workload.connections)?;
    Ok(session.metrics)
}

/// Measures a server on both cores, one of which the load client shares.
fn shards(mut session: Session<'_>) -> Result<Metrics, String> {
    session.connect()?;
    let seconds = session.setup.seconds(session.workload);
    let stretch = Stretch { rate: session.workload.rate, seconds, warm_up: 1.0, drain: DRAIN };
    let found = session.measure(stretch)?;
    session.keep(stretch, &found);
    let all: f64 = found.threads_us.iter().sum();
    if let Some(busiest) = found.threads_us.first() {
        session.metrics.set(Figure::BusiestThread, busiest / all);
    }
    Ok(session.metrics)
}
