//! The task that keeps subscriptions in the storage which the user gave.

use std::{io, sync::Arc};

use tokio::{sync::Notify, task::spawn_blocking};

use crate::{
    shared::Shared,
    storage::{self, Entry, Storage},
};

/// Reads the storage once, and then writes what has changed until the client is closed.
pub(crate) async fn keep(shared: Arc<Shared>, storage: Arc<dyn Storage>, changed: Arc<Notify>) {
    let found = {
        let storage = Arc::clone(&storage);
        blocking(move || storage.load()).await.and_then(|text| read(text.as_deref()))
    };
    let failed = found.is_err();
    let mut kept = found.as_deref().map(text).unwrap_or_default();
    shared.core().loaded(found);
    if failed {
        return;
    }
    loop {
        let (text, last) = shared.core().to_keep();
        if text != kept {
            let (storage, next) = (Arc::clone(&storage), text.clone());
            match blocking(move || storage.save(&next)).await {
                Ok(()) => kept = text,
                Err(error) => shared.core().storage_failed(format!("subscriptions were not kept: {error}")),
            }
        }
        if last {
            return;
        }
        changed.notified().await;
    }
}

/// Does what may block where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, String> {
    match spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn read(text: Option<&str>) -> Result<Vec<Entry>, String> {
    let entries = text.map_or(Ok(Vec::new()), storage::parse);
    entries.map_err(|error| format!("the storage holds no list of subscriptions: {error}"))
}

fn text(entries: &[Entry]) -> String {
    storage::write(entries.iter().map(|entry| (&*entry.route, &*entry.request)))
}
