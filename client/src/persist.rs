//! The task that saves subscriptions to the user's storage.

use std::{io, sync::Arc};

use tokio::{sync::Notify, task::spawn_blocking};

use crate::{
    shared::Shared,
    storage::{self, Entry, Storage},
};

/// Loads the storage once, then saves every change until the client is closed.
pub(crate) async fn persist(shared: Arc<Shared>, storage: Arc<dyn Storage>, changed: Arc<Notify>) {
    let found = {
        let storage = Arc::clone(&storage);
        blocking(move || storage.load()).await.and_then(|text| read(text.as_deref()))
    };
    let failed = found.is_err();
    let mut saved = found.as_deref().map(text).unwrap_or_default();
    shared.state().storage_loaded(found);
    if failed {
        return;
    }
    loop {
        let (text, last) = shared.state().text_to_save();
        if text != saved {
            let (storage, next) = (Arc::clone(&storage), text.clone());
            match blocking(move || storage.save(&next)).await {
                Ok(()) => saved = text,
                Err(error) => shared.state().storage_failed(format!("cannot save subscriptions: {error}")),
            }
        }
        if last {
            return;
        }
        changed.notified().await;
    }
}

/// Runs work that may block on a thread for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, String> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn read(text: Option<&str>) -> Result<Vec<Entry>, String> {
    let entries = text.map_or(Ok(Vec::new()), storage::parse);
    entries.map_err(|error| format!("the storage does not hold a list of subscriptions: {error}"))
}

fn text(entries: &[Entry]) -> String {
    storage::write(entries.iter().map(|entry| (&*entry.route, &*entry.request)))
}
