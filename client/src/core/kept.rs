//! What is to be kept in a storage: the topics that somebody listens to, and what was kept
//! before and nobody has asked back yet.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::{Notify, watch};

use super::Core;
use crate::{
    status::Event,
    storage::{self, Entry},
};

/// What is known about the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loading {
    /// Nothing is kept, for there is no storage.
    Off,
    Begun,
    Done,
    /// It could not be read, so nothing is written there either.
    Failed(String),
}

#[derive(Debug)]
pub(super) struct Kept {
    loading: watch::Sender<Loading>,
    /// What the storage held, as far as nobody has asked it back.
    before: Vec<Entry>,
    /// What was wanted when the client was closed: that is what the next one resumes.
    at_close: Option<String>,
    changed: Arc<Notify>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { loading: watch::Sender::new(Loading::Off), before: Vec::new(), at_close: None, changed: Arc::default() }
    }
}

impl Core {
    /// There is a storage; what is wanted is kept there from now on. Answers what tells of changes.
    pub(crate) fn keep(&mut self) -> Arc<Notify> {
        self.kept.loading.send_replace(Loading::Begun);
        Arc::clone(&self.kept.changed)
    }

    pub(crate) fn loading(&self) -> watch::Receiver<Loading> {
        self.kept.loading.subscribe()
    }

    /// The storage held this, or could not be read.
    pub(crate) fn loaded(&mut self, found: Result<Vec<Entry>, String>) {
        let loading = match found {
            Ok(entries) => {
                self.kept.before = entries;
                Loading::Done
            }
            Err(error) => {
                self.storage_failed(error.clone());
                Loading::Failed(error)
            }
        };
        self.kept.loading.send_replace(loading);
    }

    /// Tells who listens that the storage failed.
    pub(crate) fn storage_failed(&self, error: String) {
        tracing::warn!(%error, "storage");
        self.emit(&Event::Storage(error));
    }

    /// What was kept of a channel and is not asked back yet.
    pub(crate) fn kept_before(&self, route: &str) -> Vec<Entry> {
        self.kept.before.iter().filter(|entry| entry.route == route).cloned().collect()
    }

    /// These were asked back: from now on they are kept for as long as somebody listens.
    pub(crate) fn asked_back(&mut self, entries: &[Entry]) {
        self.kept.before.retain(|entry| !entries.contains(entry));
        self.wanted_changed();
    }

    /// What is to be kept, and whether that is for good.
    pub(crate) fn to_keep(&self) -> (String, bool) {
        match &self.kept.at_close {
            Some(text) => (text.clone(), true),
            None => (self.wanted(), false),
        }
    }

    pub(super) fn wanted_changed(&self) {
        self.kept.changed.notify_one();
    }

    /// Nothing that ends from here on was left on purpose.
    pub(super) fn keep_as_it_is(&mut self) {
        self.kept.at_close = Some(self.wanted());
        self.wanted_changed();
    }

    fn wanted(&self) -> String {
        let before = self.kept.before.iter().map(|entry| (&*entry.route, &*entry.request));
        let asks = || self.topics.values().map(|topic| (topic.ask.route, &*topic.ask.payload));
        // What somebody subscribed to anew before it was asked back is kept once.
        let anew: HashSet<_> = asks().collect();
        storage::write(before.filter(|entry| !anew.contains(entry)).chain(asks()))
    }
}
