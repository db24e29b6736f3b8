//! The kinds of workloads: what is done to a peer in each.

use crate::cell::{Session, Setup, Stretch, pause};
use crate::child::Program;
use crate::flood;
use crate::result::{Figure, Metrics};
use crate::slow;
use crate::storm;
use crate::workload::{Kind, Workload};

/// How long updates may be late before they count as lost, in seconds.
pub(crate) const DRAIN: f64 = 5.0;

/// Runs a workload on a peer and gives its figures. What the peer can carry is searched for
/// where it matters and is not known.
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
    // Runtimes that collect garbage get a moment to do so.
    pause(2.0);
    session.weigh(session.workload.connections)?;
    Ok(session.metrics)
}

/// Both cores serve, and the load is beside one of them.
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
