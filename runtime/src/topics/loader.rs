//! Runs the snapshot hook of a topic that keeps its state, once for all its subscribers.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::Refusal;

/// The runs of one topic's snapshot hook.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    /// Locked while the hook runs. Contains the last run that failed, and its refusal.
    failed: Mutex<Option<(u64, Refusal)>>,
    /// The number of runs that have begun, doubled, and one more while a run is under way.
    runs: AtomicU64,
}

impl Loader {
    /// Runs the hook, unless `is_done` returns true. The failure of the hook does not matter if
    /// `is_done` returns true afterwards, because a publisher has set the state meanwhile. A caller that arrives during a run waits for it
    /// and shares its refusal.
    pub(crate) async fn load(
        &self,
        is_done: impl Fn() -> bool,
        hook: impl Future<Output = Result<(), Refusal>>,
    ) -> Result<(), Refusal> {
        let arrived = self.runs.load(Ordering::Acquire);
        let mut failed = self.failed.lock().await;
        if is_done() {
            return Ok(());
        }
        if let Some((run, refusal)) = &*failed
            && arrived % 2 == 1
            && *run == arrived
        {
            return Err(refusal.clone());
        }
        let run = Run::begin(&self.runs);
        let loaded = hook.await;
        if let Err(refusal) = &loaded {
            if is_done() {
                return Ok(());
            }
            *failed = Some((run.number, refusal.clone()));
        }
        drop(run);
        loaded
    }
}

/// A run of the hook. Its drop also ends a run that was cancelled.
struct Run<'a> {
    runs: &'a AtomicU64,
    number: u64,
}

impl<'a> Run<'a> {
    fn begin(runs: &'a AtomicU64) -> Self {
        Self { runs, number: runs.fetch_add(1, Ordering::AcqRel) + 1 }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.runs.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::pending,
        pin::pin,
        task::{Context, Waker},
    };

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn callers_that_wait_for_a_run_share_its_refusal_and_the_next_caller_runs_it_again() {
        let (loader, runs) = (Loader::default(), Cell::new(0));
        let (fail, failed) = oneshot::channel::<()>();
        let hook = |result: Result<(), Refusal>| async {
            runs.set(runs.get() + 1);
            result
        };
        let refusal = || Err(Refusal::unavailable("no database"));
        let first = loader.load(|| false, async {
            failed.await.unwrap();
            hook(refusal()).await
        });
        let (mut first, mut second) = (pin!(first), pin!(loader.load(|| false, hook(Ok(())))));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        fail.send(()).unwrap();
        assert_eq!(first.await.unwrap_err().code(), "unavailable");
        assert_eq!(second.await.unwrap_err().code(), "unavailable");
        assert_eq!(runs.get(), 1);
        assert!(loader.load(|| false, hook(Ok(()))).await.is_ok());
        assert!(loader.load(|| true, hook(refusal())).await.is_ok());
        assert_eq!(runs.get(), 2);
        // The state becomes known while the hook runs.
        assert!(loader.load(|| runs.get() == 3, hook(refusal())).await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_that_waits_for_a_cancelled_run_runs_the_hook() {
        let loader = Loader::default();
        let mut first = Box::pin(loader.load(|| false, pending()));
        let mut second = pin!(loader.load(|| false, async { Ok(()) }));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        drop(first);
        assert!(second.await.is_ok());
    }
}
