//! A reader that accounts for every value of its topic, and keeps the state that its items make.

use std::{collections::BTreeMap, task::Poll};

use serde_json::Value;

use super::{
    Context, GapCause, Listener, RawItem, Taken, Tally, Waker,
    server::{Key, Kind, Topic as ModelTopic},
};
use crate::{buffer::Loss, state::ClientState, table::RawRows};

pub(super) struct Reader {
    route: &'static str,
    kind: Kind,
    pub(super) topic: usize,
    pub(super) number: u64,
    pub(super) listener: Listener,
    /// Whether the buffer drops nothing.
    sees_all: bool,
    /// The number of gaps that the topic's listeners had seen when this one began.
    gaps_before: u64,
    gaps: u64,
    /// The last value.
    last: Option<u64>,
    /// The number of values reported missing since; `None` if it is unknown.
    missing: Option<u64>,
    rows: BTreeMap<Key, u64>,
    live: bool,
}

/// Reads the value of an update or a snapshot.
pub(super) fn value(route: &str, payload: &str) -> u64 {
    let (of, value): (String, u64) = serde_json::from_str(payload).unwrap();
    assert_eq!(of, route, "a value of another topic");
    value
}

/// Reads the rows of a table.
pub(super) fn rows(rows: &RawRows) -> BTreeMap<Key, u64> {
    let read: BTreeMap<_, _> = rows.values().map(|row| row_of(&serde_json::from_str(&row.text).unwrap())).collect();
    assert!(rows.values().map(|row| key_of(&serde_json::from_str(&row.text).unwrap())).eq(read.keys().copied()));
    read
}

fn key_of(object: &Value) -> Key {
    let side = if object["side"] == "ask" { "ask" } else { "bid" };
    (side, u32::try_from(object["price"].as_u64().unwrap()).unwrap())
}

fn row_of(row: &Value) -> (Key, u64) {
    (key_of(row), row["value"].as_u64().unwrap())
}

impl Reader {
    pub(super) fn new(
        (route, kind): (&'static str, Kind),
        topic: usize,
        number: u64,
        listener: Listener,
        sees_all: bool,
        gaps_before: u64,
    ) -> Self {
        Self {
            route,
            kind,
            topic,
            number,
            listener,
            sees_all,
            gaps_before,
            gaps: 0,
            last: None,
            missing: Some(0),
            rows: BTreeMap::new(),
            live: false,
        }
    }

    /// Reads up to `count` items, as the stream of a subscription does.
    pub(super) fn read(&mut self, client: &ClientState, count: usize, tally: &mut Tally) {
        for _ in 0..count {
            let Poll::Ready(taken) = self.listener.poll_take(&mut Context::from_waker(Waker::noop())) else { return };
            match taken.expect("nothing ends a stream here") {
                Taken::Item(delivery) => self.take(delivery.item, tally),
                Taken::Lagged(lost) => {
                    assert!(!self.sees_all);
                    tally.lagged += 1;
                    let refreshed = client.refresh(self.number, &self.listener);
                    self.miss(Loss::from(lost).and(refreshed).values());
                }
            }
        }
    }

    fn miss(&mut self, missed: Option<u64>) {
        self.missing = self.missing.zip(missed).map(|(sum, missed)| sum + missed);
    }

    fn take(&mut self, item: RawItem, tally: &mut Tally) {
        match item {
            RawItem::Update(payload) if self.kind == Kind::Table => {
                let change: Value = serde_json::from_str(&payload).unwrap();
                let list = |name: &str| change[name].as_array().cloned().unwrap_or_default();
                tally.merged += u64::from(list("set").len() + list("remove").len() > 3);
                for key in list("remove") {
                    self.rows.remove(&key_of(&key));
                }
                self.rows.extend(list("set").iter().map(row_of));
            }
            RawItem::Update(payload) => {
                let value = value(self.route, &payload);
                assert!(self.live, "an update of a subscription that is not live");
                if let Some(last) = self.last {
                    assert!(value > last, "{value} after {last}: twice or out of order");
                    if let (Kind::Events | Kind::Snapshotted, Some(missing)) = (self.kind, self.missing) {
                        assert_eq!(value - last - 1, missing, "reported missing between {last} and {value}");
                    }
                }
                (self.last, self.missing) = (Some(value), Some(0));
            }
            RawItem::Snapshot(payload) => {
                (self.last, self.missing) = (Some(value(self.route, &payload)), Some(0));
            }
            RawItem::Rows(all) => self.rows = rows(&all),
            RawItem::Gap(gap) => {
                self.miss(gap.missed);
                self.gaps += u64::from(matches!(gap.cause, GapCause::Away | GapCause::NewEpoch));
                assert_ne!(gap.cause, GapCause::Lost);
            }
            RawItem::Status(status) => self.live = status.is_live(),
            RawItem::Refused(_) => {}
            RawItem::Ended(_) => self.live = false,
            RawItem::Mismatch(mismatch) => self.live &= mismatch.is_final,
            RawItem::Unreadable(unreadable) => panic!("{unreadable:?}"),
        }
    }

    /// Checks the view after everything was read.
    pub(super) fn check(&self, topic: &ModelTopic, gaps: u64) {
        assert!(self.live, "{}", self.route);
        match self.kind {
            Kind::Table => assert_eq!(self.rows, topic.state().rows),
            // Readers that drop the newest events know how many.
            Kind::Events | Kind::Snapshotted if !self.sees_all => {
                if let Some((last, missing)) = self.last.zip(self.missing) {
                    assert_eq!(last + missing, topic.published, "{}", self.route);
                }
            }
            Kind::Events | Kind::Snapshotted | Kind::Latest => {
                assert_eq!(self.last, Some(topic.published), "{}", self.route);
            }
        }
        // The rows of a table are also requested again after a mismatch.
        if self.sees_all && self.kind != Kind::Table {
            assert_eq!(self.gaps, gaps - self.gaps_before, "{}: gaps", self.route);
        }
    }
}
