//! What the storage task and `Client::restore` need of the state.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::{ClientState, Loading};
use crate::{connection::Event, storage::Entry};

impl ClientState {
    /// Saves the subscriptions from now on, and returns the notification of changes.
    pub(crate) fn enable_storage(&self) -> Arc<Notify> {
        self.persistence.enable()
    }

    pub(crate) fn storage_loading(&self) -> watch::Receiver<Loading> {
        self.persistence.loading()
    }

    /// Records what the storage holds, or why it could not be read.
    pub(crate) fn storage_loaded(&mut self, found: Result<Vec<Entry>, String>) {
        if let Err(error) = &found {
            self.storage_failed(error.clone());
        }
        self.persistence.loaded(found);
    }

    /// Emits an event about a failure of the storage.
    pub(crate) fn storage_failed(&self, error: String) {
        tracing::warn!(%error, "storage");
        self.listeners.emit(&Event::Storage(error));
    }

    /// Returns the saved subscriptions of a channel that are not restored yet.
    pub(crate) fn restorable(&self, route: &str) -> Vec<Entry> {
        self.persistence.restorable(route)
    }

    pub(crate) fn mark_restored(&mut self, entries: &[Entry]) {
        self.persistence.restored(entries);
    }

    /// Returns the text to save, and whether it is the last one.
    pub(crate) fn text_to_save(&self) -> (String, bool) {
        match self.persistence.frozen() {
            Some(text) => (text.to_owned(), true),
            None => (self.stored_text(), false),
        }
    }

    pub(super) fn freeze_storage(&mut self) {
        let text = self.stored_text();
        self.persistence.freeze(text);
    }

    fn stored_text(&self) -> String {
        self.persistence.text(self.topics.values().map(|topic| (topic.request.route, &*topic.request.payload)))
    }
}
