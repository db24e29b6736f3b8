//! Measures what a topic without subscribers keeps of its updates.

use crate::cell::{PATIENCE, Session, Stretch, figure};
use crate::kernel::Memory;
use crate::result::{Figure, Metrics};
use crate::workload::HISTORY;

/// Publishes as many updates of each topic as a history holds. The first is not counted, since it
/// creates the topic.
pub(crate) fn run(mut session: Session<'_>) -> Result<Metrics, String> {
    publish(&mut session, 1)?;
    let before = Memory::of(session.server.id())?;
    publish(&mut session, HISTORY - 1)?;
    let after = Memory::of(session.server.id())?;
    let updates = (HISTORY - 1) * u64::from(session.workload.topics);
    session.metrics.set(Figure::RssPerUpdate, (after.rss - before.rss) / figure(updates));
    Ok(session.metrics)
}

/// Publishes so many updates of each topic, and waits until they are published.
fn publish(session: &mut Session<'_>, updates: u64) -> Result<(), String> {
    let rate = session.workload.rate;
    session.publish(Stretch { rate, seconds: figure(updates) / rate, warm_up: 0.0, drain: 0.0 })?;
    session.server.line_of("published ", PATIENCE).map(drop)
}
