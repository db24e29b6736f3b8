//! Measures topics whose values supersede each other, with connections that read slowly and without.

use crate::cell::{Session, Stretch, count, figure};
use crate::clock;
use crate::kernel::Memory;
use crate::load::Reading;
use crate::message::FRAME_BYTES;
use crate::result::{Figure, Metrics, Summary};
use crate::workload::{CONFLATE_ONE_IN, Workload};

/// Before the measurement, so that buffers are as full as they get, in seconds.
const WARM_UP: f64 = 3.0;

/// How late a value may be, in seconds. The latency of one that is later is not measured.
const DRAIN: f64 = 1.0;

/// How often memory is measured.
const SAMPLES: u64 = 12;

/// How long connections may take to have the newest values after the last update.
const NEWEST_US: u64 = 10_000_000;

/// How much less some connections read than the others.
const SLOWER: f64 = 10.0;

/// Measures as many connections twice, on servers from `start`: all of them read everything, and
/// some of them read slowly.
pub(crate) fn run<'a>(start: impl Fn() -> Result<Session<'a>, String>) -> Result<Metrics, String> {
    let mut session = start()?;
    let workload = session.workload;
    let stretch = Stretch {
        rate: workload.rate,
        seconds: session.setup.seconds(workload),
        warm_up: WARM_UP.min(session.setup.seconds(workload)),
        drain: DRAIN,
    };
    session.connect()?;
    let base = session.measure(stretch)?;
    drop(session);

    let mut session = start()?;
    session.metrics.set(Figure::BaseP99, figure(base.measured.latency.p99));
    let slow = workload.connections / CONFLATE_ONE_IN;
    let reading = Workload { connections: workload.connections - slow, ..*workload };
    let reading_slowly = Workload { connections: slow, ..*workload };
    let all = workload.rate * f64::from(workload.topics_per_connection) * figure(FRAME_BYTES);
    let pace = Reading::Paced(crate::cell::whole(all / SLOWER));
    session.load.connect_all(session.order(&reading, 0, Reading::Always))?;
    session.load.connect_all(session.order(&reading_slowly, 0, pace))?;
    let mut memory = Vec::new();
    let found = session.measure_while(stretch, |session, until_us| {
        let from_us = clock::now_us();
        for sample in 1..=SAMPLES {
            clock::sleep_until(from_us + until_us.saturating_sub(from_us) * sample / SAMPLES);
            memory.push(Memory::of(session.server.id())?.rss);
        }
        Ok(())
    })?;
    session.keep(stretch, &found);
    // A value that did not arrive may have been superseded, and is not lost.
    session.metrics.remove(Figure::Lost);
    let each = f64::from(workload.topics_per_connection);
    session.metrics.set(Figure::OfferedPerSecond, workload.rate * count(reading.connections) * each);
    let thirds = [Figure::RssFirst, Figure::RssSecond, Figure::RssLast];
    for (third, samples) in thirds.into_iter().zip(memory.chunks(memory.len().div_ceil(3))) {
        if let Some(summary) = Summary::of(samples.iter().copied()) {
            session.metrics.set(third, summary.median);
        }
    }
    let ended = session.load.ended(session.published, NEWEST_US)?;
    session.metrics.set(Figure::Behind, figure(ended.behind));
    for (name, missing, connections) in
        [(Figure::Superseded, ended.missing, reading.connections), (Figure::SlowSuperseded, ended.missing_slow, slow)]
    {
        let due = figure(session.published) * count(connections) * each;
        session.metrics.set(name, figure(missing) / due);
    }
    session.metrics.set(Figure::Disorder, figure(ended.repeated));
    Ok(session.metrics)
}
