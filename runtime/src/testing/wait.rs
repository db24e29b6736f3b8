//! The limit on a wait, in real time, because a paused clock does not advance while a test hangs.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

/// How long a client waits by default.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// What a client waits for, and its deadline.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) what: String,
    pub(super) limit: Option<Duration>,
    ends: Option<Instant>,
}

impl Wait {
    pub(super) fn new(what: impl Into<String>, limit: Option<Duration>) -> Self {
        let ends = limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { what: what.into(), limit, ends }
    }

    /// Runs a future until the limit. Returns `None` only if the future is pending at the limit.
    pub(super) async fn limit<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let Some(at) = self.ends else { return Some(future.await) };
        tokio::select! {
            biased;
            output = future => Some(output),
            () = Alarm::at(at) => None,
        }
    }
}

/// Completes at an instant of real time. tokio's timers follow the clock that a test pauses, and a
/// timer for the alarm would advance that clock.
struct Alarm {
    key: (Instant, u64),
    is_set: bool,
}

/// The alarms of the process, and the thread that wakes their tasks.
struct Clockwork {
    state: Mutex<State>,
    earlier: Condvar,
}

#[derive(Default)]
struct State {
    alarms: BTreeMap<(Instant, u64), Waker>,
    last: u64,
    /// When the thread wakes next; `None` while no alarm is set.
    sleeps_until: Option<Instant>,
}

static CLOCKWORK: LazyLock<Clockwork> = LazyLock::new(|| {
    let thread = thread::Builder::new().name("topicast-testing".to_owned());
    thread.spawn(|| CLOCKWORK.run()).expect("a process that tests may have one more thread");
    Clockwork { state: Mutex::default(), earlier: Condvar::new() }
});

impl Clockwork {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            while let Some(first) = state.alarms.first_entry().filter(|first| first.key().0 <= now) {
                first.remove().wake();
            }
            state.sleeps_until = state.alarms.first_key_value().map(|((at, _), _)| *at);
            state = match state.sleeps_until {
                Some(at) => {
                    let waited = self.earlier.wait_timeout(state, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.earlier.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Alarm {
    fn at(at: Instant) -> Self {
        let mut state = CLOCKWORK.lock();
        state.last += 1;
        Self { key: (at, state.last), is_set: false }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.key.0 {
            return Poll::Ready(());
        }
        self.is_set = true;
        let mut state = CLOCKWORK.lock();
        state.alarms.insert(self.key, context.waker().clone());
        if state.sleeps_until.is_none_or(|until| self.key.0 < until) {
            CLOCKWORK.earlier.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if self.is_set {
            CLOCKWORK.lock().alarms.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_is_ready_is_taken_even_after_the_limit() {
        let wait = Wait::new("nothing", Some(Duration::ZERO));
        assert_eq!(wait.limit(ready(1)).await, Some(1));
        assert_eq!(wait.limit(pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn a_shorter_limit_ends_before_a_longer_one_that_began_earlier() {
        let longer = Wait::new("nothing", Some(Duration::from_secs(3600)));
        let shorter = Wait::new("nothing", Some(Duration::from_millis(5)));
        tokio::select! {
            biased;
            _ = longer.limit(pending::<()>()) => panic!("an hour has not passed"),
            output = shorter.limit(pending::<()>()) => assert_eq!(output, None),
        }
        // Dropping the alarm of an hour removes it.
        assert!(CLOCKWORK.lock().alarms.keys().all(|(at, _)| *at < Instant::now() + Duration::from_secs(60)));
    }
}
