//! Feeds: sources of updates that run while a topic has subscribers.

use std::{any::Any, fmt, future::Future, sync::OnceLock};

use tokio::{
    runtime::Handle,
    sync::Mutex,
    task::AbortHandle,
    time::{Instant, sleep_until},
};

/// A source of updates for one topic. Dropping it ends the source.
///
/// [`Serve::feed`](crate::Serve::feed) returns it. The server keeps it while the topic has
/// subscribers, and for a linger time after the last one left.
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
pub struct Feed(Source);

enum Source {
    None,
    Task(#[expect(dead_code, reason = "held for its drop")] AbortOnDrop),
    Guard(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>),
}

/// Aborts its task when dropped.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Feed {
    /// Creates an empty feed, for a topic to which the application publishes by other means.
    pub fn none() -> Self {
        Self(Source::None)
    }

    /// Spawns a task, which is aborted when the feed ends.
    pub fn task(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Source::Task(AbortOnDrop(tokio::spawn(task).abort_handle())))
    }

    /// Creates a feed from a value whose drop ends the source, for example the handle of an upstream
    /// subscription.
    pub fn guard(guard: impl Send + Sync + 'static) -> Self {
        Self(Source::Guard(Box::new(guard)))
    }

    /// Returns true if the topic misses updates once the feed has ended.
    fn is_source(&self) -> bool {
        !matches!(self.0, Source::None)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::None => "Feed::None",
            Source::Task(_) => "Feed::Task",
            Source::Guard(_) => "Feed::Guard",
        })
    }
}

/// The feed of one topic: not started, running, or lingering.
#[derive(Debug, Default)]
pub(crate) struct FeedSlot {
    /// Locked while a feed starts, so that a second subscriber waits for that feed instead of
    /// starting another.
    running: Mutex<Option<Feed>>,
    /// The runtime on which the feed was started. A subscription may end on a thread without one.
    runtime: OnceLock<Handle>,
}

/// How a feed continues whose topic had no subscribers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linger {
    /// The topic has subscribers again.
    Needed,
    /// It runs at least until this time.
    Until(Instant),
    Over,
}

impl FeedSlot {
    /// Starts the feed unless it is running.
    pub(crate) async fn ensure<E>(&self, start: impl Future<Output = Result<Feed, E>>) -> Result<(), E> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            self.runtime.get_or_init(Handle::current);
            *running = Some(start.await?);
        }
        Ok(())
    }

    /// Returns the runtime on which the feed was started, or `None` if it never was.
    pub(crate) fn runtime(&self) -> Option<&Handle> {
        self.runtime.get()
    }

    /// Calls `linger` at `until` and at each time that it returns, and ends the feed when it returns
    /// [`Linger::Over`]. Its argument is true if the feed is a source of updates.
    pub(crate) async fn end_later(&self, mut until: Instant, linger: impl Fn(bool) -> Linger) {
        loop {
            sleep_until(until).await;
            let mut running = self.running.lock().await;
            match linger(running.as_ref().is_some_and(Feed::is_source)) {
                Linger::Needed => return,
                Linger::Until(later) => until = later,
                Linger::Over => {
                    running.take();
                    return;
                }
            }
        }
    }
}
