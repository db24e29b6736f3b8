//! The subscriptions to save: current ones, and saved ones that are not restored yet.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::{Notify, watch};

use crate::storage::{self, Entry};

/// The progress of reading the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loading {
    /// The client has no storage.
    Off,
    Begun,
    Done,
    /// The storage could not be read, so the client does not write to it either.
    Failed(String),
}

#[derive(Debug)]
pub(super) struct Persistence {
    loading: watch::Sender<Loading>,
    /// The entries of the storage that are not restored yet.
    restorable: Vec<Entry>,
    /// The text at the time of the close, which the next run of the program restores.
    at_close: Option<String>,
    changed: Arc<Notify>,
}

impl Default for Persistence {
    fn default() -> Self {
        let loading = watch::Sender::new(Loading::Off);
        Self { loading, restorable: Vec::new(), at_close: None, changed: Arc::default() }
    }
}

impl Persistence {
    /// Switches persistence on, and returns the notification of changes.
    pub(super) fn enable(&self) -> Arc<Notify> {
        self.loading.send_replace(Loading::Begun);
        Arc::clone(&self.changed)
    }

    pub(super) fn loading(&self) -> watch::Receiver<Loading> {
        self.loading.subscribe()
    }

    pub(super) fn loaded(&mut self, found: Result<Vec<Entry>, String>) {
        let loading = match found {
            Ok(entries) => {
                self.restorable = entries;
                Loading::Done
            }
            Err(error) => Loading::Failed(error),
        };
        self.loading.send_replace(loading);
    }

    pub(super) fn restorable(&self, route: &str) -> Vec<Entry> {
        self.restorable.iter().filter(|entry| entry.route == route).cloned().collect()
    }

    /// Removes restored entries; from now on they are saved for as long as they have listeners.
    pub(super) fn restored(&mut self, entries: &[Entry]) {
        self.restorable.retain(|entry| !entries.contains(entry));
        self.changed();
    }

    /// Notifies the storage task that there is something new to save.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    /// Fixes the text to save: the client closes, and what ends from here on was not dropped by the user.
    pub(super) fn freeze(&mut self, text: String) {
        self.at_close = Some(text);
        self.changed();
    }

    pub(super) fn frozen(&self) -> Option<&str> {
        self.at_close.as_deref()
    }

    /// Returns the text to save for these current subscriptions, routes and requests.
    pub(super) fn text<'a>(&'a self, current: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
        let restorable = self.restorable.iter().map(|entry| (&*entry.route, &*entry.request));
        // An entry that is subscribed to before it is restored is saved once.
        let subscribed: HashSet<_> = current.clone().collect();
        storage::write(restorable.filter(|entry| !subscribed.contains(entry)).chain(current))
    }
}
