//! Limits how many tasks proceed in one turn of tokio's scheduler, so that thousands of tasks that
//! become ready at once share the processor with the others.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Lets a fixed number of tasks pass in each turn of the scheduler, in the order of their arrival.
///
/// A task holds its permit for one yield to the scheduler and no longer, so a slow task does not
/// block the others.
#[derive(Debug, Clone)]
pub(crate) struct Turnstile(Arc<Semaphore>);

impl Turnstile {
    pub(crate) fn new(permits: usize) -> Self {
        Self(Arc::new(Semaphore::new(permits)))
    }

    /// Waits for a turn.
    pub(crate) async fn pass(&self) {
        // An error is impossible, because the semaphore is never closed.
        let _permit = self.0.acquire().await;
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
    async fn tasks_pass_a_few_in_a_turn_in_the_order_of_their_arrival() {
        let turnstile = Turnstile::new(8);
        let passed = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let (turnstile, passed) = (turnstile.clone(), Arc::clone(&passed));
                tokio::spawn(async move {
                    turnstile.pass().await;
                    passed.lock().unwrap().push(number);
                })
            })
            .collect();
        // Another task has a turn between any two tasks that use the same permit.
        let turns = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&turns);
        let other = tokio::spawn(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        for task in tasks {
            task.await.unwrap();
        }
        other.abort();
        let passed = passed.lock().unwrap();
        assert_eq!(passed.len(), 100);
        assert!(passed.is_sorted_by_key(|number| number / 8), "{passed:?}");
        let turns = turns.load(Ordering::Relaxed);
        assert!(turns >= 100 / 8, "only {turns} turns for 100 at 8 a turn");
    }
}
