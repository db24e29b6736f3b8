//! The position of a subscription: what to recover from, which updates are new, and what is missing.

use std::sync::Arc;

use crate::{
    envelope::Incoming,
    gap::{Gap, GapCause},
    position::Position,
};

/// The position of a subscription, across connections.
///
/// It is the number of the last update or snapshot that was passed on to the listeners' buffers, or
/// that of the reply to the subscribe request if no snapshot follows it. What still waits in a
/// buffer counts: a buffer outlives the connection, so its reader receives the values before those
/// that the server sends from the position on. Values that a buffer drops are not asked for again,
/// for the reader chose what to lose, and another reader of the topic may have received them.
#[derive(Debug)]
pub(crate) struct Numbering {
    /// Whether an update may merge several, as on `latest` and `table`.
    merges: bool,
    /// Whether the first request asks for past updates, so that a reply to a late copy of it does.
    rewinds: bool,
    /// Whether the server ever accepted the subscription.
    joined: bool,
    /// The epoch of the current subscription.
    epoch: Option<Arc<str>>,
    position: Option<Position>,
    /// Whether the listeners' state no longer is what the position says: a snapshot has to come
    /// first, or the position is not to be used any more.
    obsolete: bool,
    /// The server sends updates up to this number a second time.
    replayed: u64,
    /// Whether the server called the listeners' state obsolete, and they were not notified yet.
    denied: bool,
}

/// The effect of a reply that accepted the subscription.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// Whether the client's state is still valid, and everything after it follows.
    pub(crate) recovered: bool,
    pub(crate) gap: Option<Gap>,
    /// How the reply violates the contract.
    pub(crate) fault: Option<String>,
}

/// What to do with an update.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new, and follows this gap if there is one.
    New { gap: Option<Gap>, fault: Option<String> },
    /// It was passed on before, or it cannot be applied and the server is at fault.
    Ignore { fault: Option<String> },
}

impl Numbering {
    /// Starts at a position, or at what the server has.
    pub(crate) fn new(merges: bool, from: Option<Position>) -> Self {
        Self {
            merges,
            rewinds: false,
            joined: from.is_some(),
            epoch: None,
            position: from,
            obsolete: false,
            replayed: 0,
            denied: false,
        }
    }

    /// Starts with past updates.
    pub(crate) fn rewinding(self) -> Self {
        Self { rewinds: true, ..self }
    }

    /// Returns the position, which a subscribe request states. There is none until an announced
    /// snapshot has arrived.
    pub(crate) fn position(&self) -> Option<&Position> {
        self.position.as_ref().filter(|_| !self.obsolete)
    }

    /// Returns true if the server ever accepted the subscription, or if it started at a position.
    pub(crate) fn is_started(&self) -> bool {
        self.joined
    }

    /// Makes the next subscribe request state no position.
    pub(crate) fn forget(&mut self) {
        self.obsolete = true;
    }

    /// Records that the server started the topic's numbering again.
    pub(crate) fn reset(&mut self) {
        self.obsolete = true;
        self.denied = true;
    }

    /// Records the first reply that accepts the subscription on a connection.
    pub(crate) fn join(&mut self, reply: &Incoming<'_>) -> Joined {
        let (epoch, seq) = (reply.epoch.as_deref(), reply.seq);
        let again = std::mem::replace(&mut self.joined, true);
        // A copy of the request that was sent before the last values arrived states an older position.
        let replayed =
            self.position().filter(|position| Some(position.epoch()) == epoch && seq <= Some(position.seq()));
        let replayed = replayed.map(Position::seq);
        let recovered =
            replayed.is_some() && (reply.recovered == Some(true) || self.rewinds && reply.recovered.is_none());
        self.replayed = replayed.filter(|_| recovered).unwrap_or(0);
        let mut fault = None;
        if reply.recovered == Some(true) && !recovered {
            let position = self.position().map_or_else(|| "none".to_owned(), ToString::to_string);
            let (seq, epoch) = (seq.unwrap_or(0), epoch.unwrap_or(""));
            fault = Some(format!("the reply recovers from {seq} of epoch {epoch}, but the position is {position}"));
        }
        self.denied |= !recovered && reply.recovered.is_some();
        let gap = if recovered || !again { None } else { self.gap_before(reply) };
        self.epoch = epoch.map(Arc::from);
        self.obsolete = reply.snapshot && !recovered;
        if !self.obsolete && !recovered {
            self.denied = false;
            self.position = self.epoch.clone().zip(seq).map(|(epoch, seq)| Position::new(epoch, seq));
        }
        Joined { recovered, gap, fault }
    }

    /// Returns what is missing between the position and a reply that does not recover from it.
    fn gap_before(&self, reply: &Incoming<'_>) -> Option<Gap> {
        let Some(before) = &self.position else {
            // Nothing was passed on since the last gap, unless this server numbers nothing.
            return reply.epoch.is_none().then_some(Gap { missed: None, cause: GapCause::Away });
        };
        if reply.epoch.as_deref() != Some(before.epoch()) {
            return Some(Gap { missed: None, cause: GapCause::NewEpoch });
        }
        let Some(seq) = reply.seq else { return Some(Gap { missed: None, cause: GapCause::Away }) };
        match seq.checked_sub(before.seq()) {
            Some(0) => self.denied.then_some(Gap { missed: None, cause: GapCause::Away }),
            Some(missed) => Some(Gap { missed: Some(missed), cause: GapCause::Away }),
            // Numbers only grow within an epoch, so the server reused the name of the epoch.
            None => Some(Gap { missed: None, cause: GapCause::NewEpoch }),
        }
    }

    /// Judges an update, and moves to its number if it is new.
    pub(crate) fn update(&mut self, message: &Incoming<'_>) -> Verdict {
        // An update of `latest` and `table` merges what a slow client did not receive.
        let skipped = if self.merges { 0 } else { message.skipped };
        let reported = (skipped > 0).then_some(Gap { missed: Some(skipped), cause: GapCause::Skipped });
        if self.obsolete {
            return Verdict::Ignore { fault: Some("an update arrived before the announced snapshot".to_owned()) };
        }
        let (Some(seq), Some(epoch)) = (message.seq, &self.epoch) else {
            return Verdict::New { gap: reported, fault: None };
        };
        let Some(before) = self.position.as_ref().map(Position::seq) else {
            self.position = Some(Position::new(Arc::clone(epoch), seq));
            return Verdict::New { gap: reported, fault: None };
        };
        let Some(missed) = seq.checked_sub(before).and_then(|distance| distance.checked_sub(1)) else {
            let fault = format!("update {seq} arrived when the position was {before}");
            return Verdict::Ignore { fault: Some(fault).filter(|_| seq > self.replayed) };
        };
        self.position = Some(Position::new(Arc::clone(epoch), seq));
        if self.merges || missed == skipped {
            return Verdict::New { gap: reported, fault: None };
        }
        let gap = (missed > 0).then_some(Gap { missed: Some(missed), cause: GapCause::Lost });
        let fault = format!("update {seq} with {skipped} skipped arrived when the position was {before}");
        Verdict::New { gap, fault: Some(fault) }
    }

    /// Moves to the number of a snapshot, which includes every update up to it.
    ///
    /// # Errors
    /// Returns the fault of a snapshot that is older than the position, and so must be ignored.
    pub(crate) fn snapshot(&mut self, message: &Incoming<'_>) -> Result<(), String> {
        let Some((seq, epoch)) = message.seq.zip(self.epoch.clone()) else {
            (self.obsolete, self.denied) = (false, false);
            return Ok(());
        };
        if let Some(position) = self.position().filter(|position| seq < position.seq()) {
            return Err(format!("a snapshot of {seq} arrived when the position was {}", position.seq()));
        }
        (self.obsolete, self.denied) = (false, false);
        self.position = Some(Position::new(epoch, seq));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn gap(missed: impl Into<Option<u64>>, cause: GapCause) -> Option<Gap> {
        Some(Gap { missed: missed.into(), cause })
    }

    fn with<T>(mut message: Value, check: impl FnOnce(&Incoming<'_>) -> T) -> T {
        message["type"] = json!("bars");
        check(&Incoming::parse(&message.to_string()).unwrap())
    }

    fn join(numbering: &mut Numbering, reply: Value) -> Joined {
        with(reply, |reply| numbering.join(reply))
    }

    /// Joins, and returns the gap.
    fn joined(numbering: &mut Numbering, epoch: &str, seq: u64) -> Option<Gap> {
        join(numbering, json!({ "epoch": epoch, "seq": seq })).gap
    }

    fn update(numbering: &mut Numbering, seq: u64, skipped: u64) -> Verdict {
        with(json!({ "seq": seq, "skipped": skipped }), |message| numbering.update(message))
    }

    fn snapshot(numbering: &mut Numbering, seq: u64) -> Result<(), String> {
        with(json!({ "seq": seq }), |message| numbering.snapshot(message))
    }

    fn at(numbering: &Numbering) -> Option<(&str, u64)> {
        numbering.position().map(|position| (position.epoch(), position.seq()))
    }

    const NEW: Verdict = Verdict::New { gap: None, fault: None };

    #[test]
    fn the_position_is_the_last_number_that_was_processed() {
        let mut numbering = Numbering::new(false, None);
        assert_eq!(at(&numbering), None);
        assert_eq!(joined(&mut numbering, "a", 5), None);
        assert_eq!(at(&numbering), Some(("a", 5)));
        assert_eq!(update(&mut numbering, 6, 0), NEW);
        assert_eq!(at(&numbering), Some(("a", 6)));
        assert_eq!(snapshot(&mut numbering, 9), Ok(()));
        assert_eq!(at(&numbering), Some(("a", 9)));
        assert_eq!(snapshot(&mut numbering, 8), Err("a snapshot of 8 arrived when the position was 9".into()));
        assert_eq!(at(&numbering), Some(("a", 9)));
    }

    #[test]
    fn there_is_no_position_before_an_announced_snapshot() {
        for merges in [false, true] {
            let mut numbering = Numbering::new(merges, None);
            let announced = json!({ "epoch": "a", "seq": 5, "snapshot": true });
            assert_eq!(join(&mut numbering, announced.clone()).gap, None);
            assert_eq!(at(&numbering), None);
            assert!(matches!(update(&mut numbering, 6, 0), Verdict::Ignore { .. }));
            assert_eq!(join(&mut numbering, announced).gap, None, "nothing was passed on before");
            assert_eq!((snapshot(&mut numbering, 7), at(&numbering)), (Ok(()), Some(("a", 7))));
            assert_eq!(update(&mut numbering, 8, 0), NEW);
            let again = json!({ "epoch": "a", "seq": 20, "recovered": false, "snapshot": true });
            assert_eq!(join(&mut numbering, again.clone()).gap, gap(12, GapCause::Away));
            // The gap is not passed on before the snapshot, so it is still there.
            assert_eq!(join(&mut numbering, again).gap, gap(12, GapCause::Away));
        }
    }

    #[test]
    fn what_was_recovered_is_no_gap_and_what_was_not_is_one() {
        let mut numbering = Numbering::new(false, None);
        joined(&mut numbering, "a", 5);
        let recovered = join(&mut numbering, json!({ "epoch": "a", "seq": 5, "recovered": true }));
        assert_eq!(recovered, Joined { recovered: true, gap: None, fault: None });
        assert_eq!(update(&mut numbering, 6, 0), NEW);
        let reply = |epoch: &str, seq: u64| json!({ "epoch": epoch, "seq": seq, "recovered": false });
        assert_eq!(join(&mut numbering, reply("a", 9)).gap, gap(3, GapCause::Away));
        assert_eq!(join(&mut numbering, reply("a", 9)).gap, gap(None, GapCause::Away), "the server is not certain");
        assert_eq!(join(&mut numbering, reply("b", 9)).gap, gap(None, GapCause::NewEpoch));
        assert_eq!(at(&numbering), Some(("b", 9)));
    }

    #[test]
    fn a_reply_that_recovers_from_another_position_is_a_fault_and_a_gap() {
        let mut numbering = Numbering::new(false, None);
        joined(&mut numbering, "a", 5);
        let Joined { recovered, gap: missing, fault } =
            join(&mut numbering, json!({ "epoch": "a", "seq": 7, "recovered": true }));
        assert_eq!((recovered, missing), (false, gap(2, GapCause::Away)));
        assert_eq!(fault.as_deref(), Some("the reply recovers from 7 of epoch a, but the position is 5 of epoch a"));
    }

    #[test]
    fn a_reply_to_an_older_copy_of_the_request_replays_what_is_known() {
        let mut numbering = Numbering::new(false, None);
        joined(&mut numbering, "a", 5);
        assert_eq!((update(&mut numbering, 6, 0), update(&mut numbering, 7, 0)), (NEW, NEW));
        let older = join(&mut numbering, json!({ "epoch": "a", "seq": 5, "recovered": true }));
        assert_eq!(older, Joined { recovered: true, gap: None, fault: None });
        assert_eq!(at(&numbering), Some(("a", 7)));
        assert_eq!(update(&mut numbering, 6, 0), Verdict::Ignore { fault: None });
        assert_eq!(update(&mut numbering, 7, 0), Verdict::Ignore { fault: None });
        assert_eq!(update(&mut numbering, 8, 0), NEW);
        assert!(matches!(update(&mut numbering, 8, 0), Verdict::Ignore { fault: Some(_) }));
    }

    #[test]
    fn a_forgotten_position_is_not_stated() {
        let mut numbering = Numbering::new(true, None);
        joined(&mut numbering, "a", 5);
        numbering.forget();
        assert_eq!(at(&numbering), None);
        assert_eq!(joined(&mut numbering, "b", 2), gap(None, GapCause::NewEpoch));
        assert_eq!(at(&numbering), Some(("b", 2)));
    }

    #[test]
    fn a_server_that_does_not_recover_is_asked_by_numbers() {
        let mut numbering = Numbering::new(false, None);
        assert_eq!(joined(&mut numbering, "a", 5), None);
        assert_eq!(update(&mut numbering, 6, 0), NEW);
        assert_eq!(joined(&mut numbering, "a", 6), None);
        assert_eq!(joined(&mut numbering, "a", 9), gap(3, GapCause::Away));
        assert_eq!(update(&mut numbering, 10, 0), NEW);
        assert_eq!(joined(&mut numbering, "b", 10), gap(None, GapCause::NewEpoch));
        assert_eq!(joined(&mut numbering, "b", 2), gap(None, GapCause::NewEpoch));
        assert_eq!(update(&mut numbering, 3, 0), NEW);
    }

    #[test]
    fn any_other_number_of_an_event_is_a_fault() {
        let mut numbering = Numbering::new(false, None);
        joined(&mut numbering, "a", 1);
        assert_eq!(
            update(&mut numbering, 1, 0),
            Verdict::Ignore { fault: Some("update 1 arrived when the position was 1".into()) }
        );
        assert_eq!(update(&mut numbering, 4, 2), Verdict::New { gap: gap(2, GapCause::Skipped), fault: None });
        let fault = |text: &str| Some(text.to_owned());
        assert_eq!(
            update(&mut numbering, 6, 0),
            Verdict::New {
                gap: gap(1, GapCause::Lost),
                fault: fault("update 6 with 0 skipped arrived when the position was 4")
            }
        );
        assert_eq!(
            update(&mut numbering, 7, 3),
            Verdict::New { gap: None, fault: fault("update 7 with 3 skipped arrived when the position was 6") }
        );
    }

    #[test]
    fn a_merged_update_has_any_greater_number() {
        let mut numbering = Numbering::new(true, None);
        joined(&mut numbering, "a", 1);
        assert_eq!(update(&mut numbering, 9, 0), NEW);
        assert_eq!(update(&mut numbering, 12, 2), NEW);
        assert!(matches!(update(&mut numbering, 12, 0), Verdict::Ignore { .. }));
        assert!(matches!(update(&mut numbering, 3, 0), Verdict::Ignore { .. }));
    }

    #[test]
    fn a_start_at_a_position_is_recovered_or_a_gap() {
        let start = || Numbering::new(false, Some(Position::new("a".into(), 5)));
        assert_eq!(at(&start()), Some(("a", 5)));
        let recovered = join(&mut start(), json!({ "epoch": "a", "seq": 5, "recovered": true }));
        assert_eq!((recovered.recovered, recovered.gap), (true, None));
        let lost = join(&mut start(), json!({ "epoch": "b", "seq": 5, "recovered": false }));
        assert_eq!((lost.recovered, lost.gap), (false, gap(None, GapCause::NewEpoch)));
    }

    #[test]
    fn a_server_without_numbers_cannot_say_what_was_missed() {
        let mut numbering = Numbering::new(false, None);
        let bare = |numbering: &mut Numbering, skipped: u64| {
            with(json!({ "skipped": skipped }), |message| numbering.update(message))
        };
        assert_eq!(join(&mut numbering, json!({})).gap, None);
        assert_eq!(bare(&mut numbering, 0), NEW);
        assert_eq!(bare(&mut numbering, 3), Verdict::New { gap: gap(3, GapCause::Skipped), fault: None });
        assert_eq!(join(&mut numbering, json!({})).gap, gap(None, GapCause::Away));
    }
}
