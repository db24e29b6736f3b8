//! What the client keeps of a topic, by its kind: the latest value, or the rows of a table.

use topicast::__private::KindFragment;

use crate::{
    envelope::Payload,
    item::RawItem,
    table::{RawRows, Table, TableShape, Verified},
};

/// What an update of a channel means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Events,
    Latest,
    Table(TableShape),
}

impl Shape {
    pub(crate) fn of(kind: KindFragment) -> Self {
        match kind {
            KindFragment::Events { .. } => Self::Events,
            KindFragment::Latest => Self::Latest,
            KindFragment::Table { key, checksum } => Self::Table(TableShape { key, checksum }),
        }
    }

    /// Returns true if an update may merge several.
    pub(crate) fn merges(self) -> bool {
        self != Self::Events
    }
}

/// The current state of a topic.
#[derive(Debug)]
pub(super) enum Content {
    /// The last event; it does not say what happened before.
    Events(Option<Payload>),
    Latest(Option<Payload>),
    Table(Table),
}

impl Content {
    pub(super) fn new(shape: Shape) -> Self {
        match shape {
            Shape::Events => Self::Events(None),
            Shape::Latest => Self::Latest(None),
            Shape::Table(shape) => Self::Table(Table::new(shape)),
        }
    }

    /// Returns the last value of a topic without rows.
    pub(super) fn latest(&self) -> Option<Payload> {
        match self {
            Self::Events(latest) | Self::Latest(latest) => latest.clone(),
            Self::Table(_) => None,
        }
    }

    /// Returns the rows of a table.
    pub(super) fn rows(&self) -> RawRows {
        match self {
            Self::Table(table) => table.rows(),
            Self::Events(_) | Self::Latest(_) => RawRows::default(),
        }
    }

    /// Returns the state from which a reader that missed values can go on; `None` for events, which
    /// have no such state, and for a value that there is not yet.
    pub(super) fn catch_up(&self) -> Option<RawItem> {
        match self {
            Self::Events(_) => None,
            Self::Latest(latest) => latest.clone().map(RawItem::Snapshot),
            Self::Table(table) => Some(RawItem::Rows(table.rows())),
        }
    }

    /// Discards a state that is obsolete and that no snapshot replaces. Returns the item for the
    /// readers, if rows have to be removed.
    pub(super) fn clear(&mut self) -> Option<RawItem> {
        match self {
            // What happened has happened.
            Self::Events(_) => None,
            Self::Latest(latest) => {
                *latest = None;
                None
            }
            Self::Table(table) => table.clear().then(|| RawItem::Rows(table.rows())),
        }
    }

    /// Applies an update, and returns the item for the readers.
    ///
    /// # Errors
    /// Returns an error if a table cannot apply it.
    pub(super) fn update(&mut self, payload: &str) -> Result<(RawItem, Verified), String> {
        match self {
            Self::Events(latest) | Self::Latest(latest) => {
                let payload = Payload::from(payload);
                *latest = Some(Payload::clone(&payload));
                Ok((RawItem::Update(payload), Verified::Unverified))
            }
            Self::Table(table) => table.update(payload).map(|verified| (RawItem::Update(payload.into()), verified)),
        }
    }

    /// Applies a snapshot, and returns the item for the readers.
    ///
    /// # Errors
    /// Returns an error if a table cannot apply it.
    pub(super) fn snapshot(&mut self, payload: &str) -> Result<(RawItem, Verified), String> {
        match self {
            Self::Events(latest) | Self::Latest(latest) => {
                let payload = Payload::from(payload);
                *latest = Some(Payload::clone(&payload));
                Ok((RawItem::Snapshot(payload), Verified::Unverified))
            }
            Self::Table(table) => table.replace(payload).map(|verified| (RawItem::Rows(table.rows()), verified)),
        }
    }
}
