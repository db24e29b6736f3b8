//! What a topic retains, by the kind of its channel.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    declare::{HistoryFragment, KindFragment},
    topics::{
        settings::TopicSettings,
        state::{CatchUp, History, Latest, Rows, Table},
    },
};

/// What a topic retains.
#[derive(Debug)]
pub(crate) enum Content {
    /// Events, with their history if the channel declares one.
    Events(Option<History>),
    Latest(Latest),
    Table(Table),
}

/// The state of a topic at one number. Cheap to clone, and never changes.
#[derive(Debug, Clone)]
pub(crate) enum Version {
    Events,
    Latest(Latest),
    Table(Table),
}

/// What brings a client up to date.
#[derive(Debug)]
pub(crate) enum Change {
    /// The client has missed nothing.
    Nothing,
    /// The payload of an update.
    Update(Vec<u8>),
    /// The payload of a snapshot.
    Snapshot(Vec<u8>),
}

/// The result of a snapshot hook that all subscribers of a topic share.
#[doc(hidden)]
#[derive(Debug)]
pub enum Loaded {
    /// The application does not implement the hook.
    NoHook,
    /// The value of a `latest` topic, if it has one.
    Value(Option<Bytes>),
    /// The rows of a table, in the order of the hook.
    Rows(Rows),
}

impl Content {
    pub(crate) fn new(settings: &TopicSettings, table_bytes: usize) -> Self {
        // Without a hook nothing else can tell the state, so it is known from the start.
        let is_known = !settings.served;
        match settings.fragment.kind {
            KindFragment::Events { history } => Self::Events(
                history.map(|HistoryFragment { count, age_ms }| History::new(count, age_ms.map(Duration::from_millis))),
            ),
            KindFragment::Latest => Self::Latest(Latest::new(is_known)),
            KindFragment::Table { key, checksum } => Self::Table(Table::new(key, checksum, table_bytes, is_known)),
        }
    }

    /// Returns true if the server keeps a value or rows, from which subscribers catch up.
    pub(crate) fn is_state(&self) -> bool {
        !matches!(self, Self::Events(_))
    }

    /// Returns true if the state is known: a hook or a publisher has set it, or there is no hook.
    pub(crate) fn is_known(&self) -> bool {
        match self {
            Self::Events(_) => true,
            Self::Latest(latest) => latest.is_known(),
            Self::Table(table) => table.is_known(),
        }
    }

    /// Forgets the state of an epoch that has ended. Only topics with hooks end an epoch.
    pub(crate) fn reset(&mut self) {
        match self {
            Self::Events(history) => {
                if let Some(history) = history {
                    history.clear();
                }
            }
            Self::Latest(latest) => *latest = Latest::new(false),
            Self::Table(table) => *table = table.emptied(),
        }
    }

    /// Returns the memory that the content takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Events(history) => history.as_ref().map_or(0, History::bytes),
            Self::Latest(latest) => latest.bytes(),
            Self::Table(table) => table.bytes(),
        }
    }

    /// Returns true if the content has something that only a publisher can set again.
    pub(crate) fn has_state(&self) -> bool {
        match self {
            Self::Events(_) => false,
            Self::Latest(latest) => latest.value().is_some(),
            Self::Table(table) => table.bytes() > 0,
        }
    }

    /// Returns the state as it is now.
    pub(crate) fn version(&self) -> Version {
        match self {
            Self::Events(_) => Version::Events,
            Self::Latest(latest) => Version::Latest(latest.clone()),
            Self::Table(table) => Version::Table(table.clone()),
        }
    }
}

impl Version {
    /// Returns true if the changes after a number can be told from the state.
    pub(crate) fn remembers(&self, from: u64) -> bool {
        match self {
            Self::Events => false,
            Self::Latest(_) => true,
            Self::Table(table) => table.remembers(from),
        }
    }

    /// Returns true if subscribers start with a snapshot.
    pub(crate) fn has_snapshot(&self) -> bool {
        match self {
            Self::Events => false,
            Self::Latest(latest) => latest.value().is_some(),
            Self::Table(_) => true,
        }
    }

    /// Returns all changes after a number that the state remembers.
    pub(crate) fn merged(&self, from: u64) -> Change {
        match self {
            Self::Events => Change::Nothing,
            Self::Latest(_) => self.catch_up(Some(from)),
            Self::Table(table) if table.seq() <= from => Change::Nothing,
            Self::Table(table) => Change::Update(table.merged(from)),
        }
    }

    /// Returns what a client needs that has everything up to `from`, or nothing at all.
    pub(crate) fn catch_up(&self, from: Option<u64>) -> Change {
        match (self, from) {
            (Self::Events, _) => Change::Nothing,
            (Self::Latest(latest), None) => {
                latest.value().map_or(Change::Nothing, |value| Change::Snapshot(value.to_vec()))
            }
            (Self::Latest(latest), Some(from)) => {
                latest.newer_than(from).map_or(Change::Nothing, |value| Change::Update(value.to_vec()))
            }
            (Self::Table(table), None) => Change::Snapshot(table.snapshot()),
            (Self::Table(table), Some(from)) => match table.catch_up(from) {
                CatchUp::Nothing => Change::Nothing,
                CatchUp::Merged(payload) => Change::Update(payload),
                CatchUp::Snapshot(payload) => Change::Snapshot(payload),
            },
        }
    }
}
