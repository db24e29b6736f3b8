//! Searches for a peer's capacity: the highest rate without loss and with bounded latency.

use crate::cell::{Found, Session, Stretch};
use crate::result::Figure;
use crate::workload::FLOOD_P99_US;

/// The first rate of the search, in updates per second.
const FIRST: f64 = 400.0;

/// The lowest rate of the search.
const LEAST: f64 = 3.0;

/// The highest rate of the search.
const MOST: f64 = 200_000.0;

/// The ratio between a rate that is too high and the highest sustainable one at which the search ends.
const PRECISION: f64 = 1.05;

/// Finds the highest rate, and returns the session in which it was measured. `start` starts a new
/// server, since an overloaded one takes a while to recover.
pub(crate) fn search<'a>(start: impl Fn() -> Result<Session<'a>, String>, seconds: f64) -> Result<Session<'a>, String> {
    let connected = || {
        let mut session = start()?;
        session.connect()?;
        Ok::<_, String>(session)
    };
    let mut session = connected()?;
    let mut best: Option<(Session<'a>, f64)> = None;
    let (mut rate, mut too_much) = (FIRST, None);
    loop {
        let stretch = Stretch { rate, seconds, warm_up: 0.5, drain: 1.0 };
        let found = session.measure(stretch)?;
        if carried(&found) {
            session.keep(stretch, &found);
            let fresh = match best.take() {
                Some((session, _)) => session,
                None => connected()?,
            };
            best = Some((std::mem::replace(&mut session, fresh), rate));
        } else {
            too_much = Some(rate);
            session = connected()?;
        }
        let good = best.as_ref().map(|(_, rate)| *rate);
        rate = match (good, too_much) {
            (Some(good), Some(bad)) if bad / good <= PRECISION => break,
            (Some(good), Some(bad)) => (good * bad).sqrt(),
            (Some(good), None) if good * 2.0 > MOST => break,
            (Some(good), None) => good * 2.0,
            (None, Some(bad)) if bad / 2.0 < LEAST => break,
            (None, Some(bad)) => bad / 2.0,
            (None, None) => break,
        };
    }
    best.map(|(session, _)| session).ok_or_else(|| format!("it does not even carry {LEAST} updates a second"))
}

/// Returns the rate that was found.
pub(crate) fn capacity(session: &Session<'_>) -> Result<f64, String> {
    session.metrics.get(Figure::Rate).ok_or_else(|| "no rate was found".to_owned())
}

fn carried(found: &Found) -> bool {
    let measured = &found.measured;
    measured.received == measured.expected && measured.closed == 0 && measured.latency.p99 < FLOOD_P99_US
}
