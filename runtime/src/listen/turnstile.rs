//! Lets a few through in every turn of tokio's scheduler, so that whoever comes in thousands
//! shares the processor with the others instead of keeping it until the last one is done.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Lets so many through in a turn; whoever came earlier has an earlier turn or the same.
///
/// Each holds its place until all tasks that were waiting for the processor have had it, and
/// no longer: nobody can keep others out by being slow.
#[derive(Debug, Clone)]
pub(crate) struct Turnstile(Arc<Semaphore>);

impl Turnstile {
    pub(crate) fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    pub(crate) async fn pass(&self) {
        // An error would mean that the semaphore was closed, which it never is.
        let _place = self.0.acquire().await;
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_crowd_passes_a_few_in_a_turn_and_whoever_came_first_does_so_first() {
        let turnstile = Turnstile::new(8);
        let passed = Arc::new(Mutex::new(Vec::new()));
        let crowd: Vec<_> = (0..100)
            .map(|number| {
                let (turnstile, passed) = (turnstile.clone(), Arc::clone(&passed));
                tokio::spawn(async move {
                    turnstile.pass().await;
                    passed.lock().unwrap().push(number);
                })
            })
            .collect();
        // Somebody else's task has a turn between any two that pass the same place.
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        for one in crowd {
            one.await.unwrap();
        }
        other.abort();
        let passed = passed.lock().unwrap();
        assert_eq!(passed.len(), 100);
        assert!(passed.is_sorted_by_key(|number| number / 8), "{passed:?}");
        let turns = turns.load(Ordering::Relaxed);
        assert!(turns >= 100 / 8, "only {turns} turns for 100 at 8 a turn");
    }
}
