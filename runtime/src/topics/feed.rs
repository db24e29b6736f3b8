//! What publishes to a topic while somebody is subscribed to it.

use std::{any::Any, fmt, future::Future, sync::OnceLock, time::Duration};

use tokio::{runtime::Handle, sync::Mutex, task::AbortHandle};

/// A source of updates, ended by dropping it.
///
/// Returned by [`Serve::feed`](crate::Serve::feed) and kept until a linger time after the
/// topic's last subscriber left.
///
/// ```
/// # #[topicast::data]
/// # pub struct Time { seconds: u64 }
/// # pub struct App;
/// use std::time::Duration;
/// use topicast::{Cx, Feed, Refusal, Serve, Topic};
///
/// /// Seconds since the feed began.
/// #[topicast::ws_router(route = "clock", update = Time, served)]
/// pub struct Clock {}
///
/// impl Serve<App> for Clock {
///     async fn feed(&self, _cx: &Cx<'_, App>, topic: Topic<Self>) -> Result<Feed, Refusal> {
///         Ok(Feed::task(async move {
///             let mut ticks = tokio::time::interval(Duration::from_secs(1));
///             for seconds in 0.. {
///                 ticks.tick().await;
///                 topic.publish(&Time { seconds }).expect("a number is JSON");
///             }
///         }))
///     }
/// }
/// ```
pub struct Feed(Kind);

enum Kind {
    None,
    Task(#[expect(dead_code, reason = "held for its drop")] Aborting),
    Guard(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>),
}

/// Aborts its task when dropped.
struct Aborting(AbortHandle);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Feed {
    /// No feed: the application publishes by other means.
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// A task, spawned now and aborted when the feed ends.
    pub fn task(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Kind::Task(Aborting(tokio::spawn(task).abort_handle())))
    }

    /// Anything whose drop ends the source: a handle of an upstream subscription, say.
    pub fn guard(guard: impl Send + Sync + 'static) -> Self {
        Self(Kind::Guard(Box::new(guard)))
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::None => "Feed::None",
            Kind::Task(_) => "Feed::Task",
            Kind::Guard(_) => "Feed::Guard",
        })
    }
}

/// The feed of one topic: not started, running, or lingering.
#[derive(Debug)]
pub(crate) struct FeedSlot {
    /// Locked across the start of a feed, so that a second subscriber waits for the first
    /// one's start instead of making its own.
    running: Mutex<Option<Feed>>,
    linger: Duration,
    /// Where the feed was started; a subscription may end on a thread without a runtime.
    runtime: OnceLock<Handle>,
}

impl FeedSlot {
    pub(crate) fn new(linger: Duration) -> Self {
        Self { running: Mutex::new(None), linger, runtime: OnceLock::new() }
    }

    /// Starts the feed unless it runs.
    pub(crate) async fn ensure<E>(&self, start: impl Future<Output = Result<Feed, E>>) -> Result<(), E> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            self.runtime.get_or_init(Handle::current);
            *running = Some(start.await?);
        }
        Ok(())
    }

    /// Where the feed was started, if it was.
    pub(crate) fn runtime(&self) -> Option<&Handle> {
        self.runtime.get()
    }

    /// Ends the feed after the linger time, if it is not needed then either.
    pub(crate) async fn end_later(&self, unneeded: impl Fn() -> bool) {
        tokio::time::sleep(self.linger).await;
        let mut running = self.running.lock().await;
        if unneeded() {
            running.take();
        }
    }
}
