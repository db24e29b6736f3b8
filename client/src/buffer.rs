//! A bounded queue between the connection and one reader, which counts what it drops.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The capacity of a stream's buffer, and what is dropped when it is full.
///
/// Dropped items are counted, and the stream reports the count at the position where they
/// are missing.
///
/// ```no_run
/// # #[topicast::data]
/// # #[derive(Debug)]
/// # pub struct Bar { close: f64 }
/// # #[topicast::ws_router(route = "bars", update = Bar)]
/// # pub struct Bars { symbol: String }
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let client = topicast_client::Client::builder("ws://localhost:8000/ws").build()?;
/// use topicast_client::{Buffering, Overflow};
///
/// // A chart draws the newest bar; a recorder wants the first ones, and to know what it lost.
/// let chart = client.subscribe_with(&Bars { symbol: "AAPL".into() }, Buffering::latest())?;
/// let recorder = Buffering { capacity: 100_000, overflow: Overflow::DropNewest };
/// let recorded = client.subscribe_with(&Bars { symbol: "AAPL".into() }, recorder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffering {
    /// The number of buffered items, at least 1. Default: 1,024.
    pub capacity: usize,
    /// What is dropped when the buffer is full. Default: the oldest item.
    pub overflow: Overflow,
}

/// What is dropped when the buffer is full.
///
/// ```
/// use topicast_client::{Buffering, Overflow};
///
/// assert_eq!(Buffering::default().overflow, Overflow::DropOldest);
/// assert_eq!(Buffering::latest().capacity, 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Overflow {
    /// The oldest item; the newest ones stay.
    #[default]
    DropOldest,
    /// The newest items, until the reader has drained the buffer.
    DropNewest,
}

impl Default for Buffering {
    fn default() -> Self {
        Self { capacity: 1_024, overflow: Overflow::default() }
    }
}

impl Buffering {
    /// Returns a buffering that keeps only the newest item.
    pub fn latest() -> Self {
        Self { capacity: 1, overflow: Overflow::DropOldest }
    }
}

/// An item of a buffer.
pub(crate) trait Buffered {
    /// Returns what the reader misses if this item is dropped.
    fn loss(&self) -> Loss;

    /// Returns true if a reader that receives this item need not receive an earlier one that carries
    /// no value.
    fn replaces(&self, earlier: &Self) -> bool;
}

/// The number of values that a reader misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// None: the item is a status, not a value.
    Nothing,
    Values(u64),
    /// Unknown: the dropped items include a gap of unknown size.
    Unknown,
}

impl Loss {
    /// Returns the number of values; `None` if it is unknown.
    pub(crate) fn values(self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Values(lost) => Some(lost),
            Self::Unknown => None,
        }
    }

    /// Returns the sum of two losses.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, loss) | (loss, Self::Nothing) => loss,
            (Self::Values(one), Self::Values(other)) => Self::Values(one.saturating_add(other)),
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }
}

impl From<Option<u64>> for Loss {
    fn from(lost: Option<u64>) -> Self {
        lost.map_or(Self::Unknown, Self::Values)
    }
}

/// What a reader takes out of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    Item(T),
    /// The number of values that were dropped here; `None` if it is unknown.
    Lagged(Option<u64>),
}

#[derive(Debug)]
pub(crate) struct Buffer<T> {
    settings: Buffering,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    queue: VecDeque<T>,
    /// What was dropped at the front of the queue, or at its end under `DropNewest`.
    lag: Loss,
    /// The last dropped item of each sort that carries no value, such as the status, which the
    /// reader needs to interpret the values that follow.
    notices: VecDeque<T>,
    ended: bool,
    waker: Option<Waker>,
}

impl<T: Buffered> State<T> {
    fn drop_item(&mut self, item: T) {
        match item.loss() {
            Loss::Nothing => {
                self.notices.retain(|earlier| !item.replaces(earlier));
                self.notices.push_back(item);
            }
            more => self.lag = self.lag.and(more),
        }
    }

    fn has_dropped(&self) -> bool {
        self.lag != Loss::Nothing || !self.notices.is_empty()
    }

    fn take_queued(&mut self) -> Option<Taken<T>> {
        self.queue.pop_front().map(Taken::Item)
    }

    fn take_dropped(&mut self) -> Option<Taken<T>> {
        match std::mem::replace(&mut self.lag, Loss::Nothing) {
            Loss::Nothing => self.notices.pop_front().map(Taken::Item),
            Loss::Values(lost) => Some(Taken::Lagged(Some(lost))),
            Loss::Unknown => Some(Taken::Lagged(None)),
        }
    }
}

impl<T: Buffered> Buffer<T> {
    pub(crate) fn new(settings: Buffering) -> Self {
        let settings = Buffering { capacity: settings.capacity.max(1), ..settings };
        let state =
            State { queue: VecDeque::new(), lag: Loss::Nothing, notices: VecDeque::new(), ended: false, waker: None };
        Self { settings, state: Mutex::new(state) }
    }

    /// Adds an item without waiting; drops one if the buffer is full.
    pub(crate) fn push(&self, item: T) {
        let mut state = self.lock();
        let full = state.queue.len() >= self.settings.capacity;
        match self.settings.overflow {
            Overflow::DropOldest => {
                if full && let Some(oldest) = state.queue.pop_front() {
                    state.drop_item(oldest);
                }
                state.queue.push_back(item);
            }
            Overflow::DropNewest if full || state.has_dropped() => state.drop_item(item),
            Overflow::DropNewest => state.queue.push_back(item),
        }
        wake(state);
    }

    /// Removes all values that wait, adds an item that replaces them, and returns what was removed.
    /// What carries no value stays, and precedes the item.
    pub(crate) fn replace_values(&self, item: T) -> Loss {
        let mut state = self.lock();
        let dropped = std::mem::replace(&mut state.lag, Loss::Nothing);
        let loss = state.queue.iter().map(Buffered::loss).fold(dropped, Loss::and);
        state.queue.retain(|waiting| waiting.loss() == Loss::Nothing);
        while let Some(notice) = state.notices.pop_back() {
            state.queue.push_front(notice);
        }
        state.queue.push_back(item);
        wake(state);
        loss
    }

    /// Ends the stream after the items that are buffered.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        wake(state);
    }

    /// Polls for the next item; `None` after the end.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Taken<T>>> {
        let mut state = self.lock();
        match self.take(&mut state) {
            Some(taken) => Poll::Ready(Some(taken)),
            None if state.ended => Poll::Ready(None),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn take(&self, state: &mut State<T>) -> Option<Taken<T>> {
        match self.settings.overflow {
            Overflow::DropOldest => state.take_dropped().or_else(|| state.take_queued()),
            Overflow::DropNewest => state.take_queued().or_else(|| state.take_dropped()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic cannot leave the state half changed: no user code runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Releases the lock, then wakes the reader.
fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `Some` is a value, `None` a status.
    impl Buffered for Option<u64> {
        fn loss(&self) -> Loss {
            self.map_or(Loss::Nothing, |_| Loss::Values(1))
        }

        fn replaces(&self, earlier: &Self) -> bool {
            earlier.is_none()
        }
    }

    fn drain(buffer: &Buffer<Option<u64>>) -> Vec<Taken<Option<u64>>> {
        let mut cx = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match buffer.poll_take(&mut cx) {
            Poll::Ready(taken) => taken,
            Poll::Pending => None,
        })
        .collect()
    }

    fn filled(capacity: usize, overflow: Overflow, items: &[Option<u64>]) -> Buffer<Option<u64>> {
        let buffer = Buffer::new(Buffering { capacity, overflow });
        items.iter().for_each(|item| buffer.push(*item));
        buffer
    }

    #[test]
    fn the_oldest_is_dropped_and_counted_where_it_was() {
        let buffer = filled(2, Overflow::DropOldest, &[Some(1), None, Some(2), Some(3)]);
        let newest = [None, Some(2), Some(3)].map(Taken::Item);
        assert_eq!(drain(&buffer), [Taken::Lagged(Some(1))].into_iter().chain(newest).collect::<Vec<_>>());
        buffer.push(Some(4));
        assert_eq!(drain(&buffer), [Taken::Item(Some(4))]);
    }

    #[test]
    fn the_newest_is_counted_behind_what_waits_and_the_last_status_is_kept() {
        let buffer = filled(2, Overflow::DropNewest, &[Some(1), Some(2), Some(3), None, Some(4)]);
        buffer.end();
        assert_eq!(
            drain(&buffer),
            [Some(1), Some(2)]
                .map(Taken::Item)
                .into_iter()
                .chain([Taken::Lagged(Some(2)), Taken::Item(None)])
                .collect::<Vec<_>>()
        );
        assert_eq!(buffer.poll_take(&mut Context::from_waker(Waker::noop())), Poll::Ready(None));
    }

    #[test]
    fn a_dropped_status_is_no_lag_and_is_still_delivered() {
        let buffer = filled(1, Overflow::DropOldest, &[None, None, Some(1)]);
        assert_eq!(drain(&buffer), [None, Some(1)].map(Taken::Item));
    }

    #[test]
    fn an_item_replaces_the_values_that_wait_and_nothing_else() {
        for overflow in [Overflow::DropOldest, Overflow::DropNewest] {
            let buffer = filled(3, overflow, &[Some(1), None, Some(2), Some(3), Some(4)]);
            assert_eq!(buffer.replace_values(Some(9)), Loss::Values(4), "{overflow:?}");
            assert_eq!(drain(&buffer), [None, Some(9)].map(Taken::Item), "{overflow:?}");
            buffer.push(Some(10));
            assert_eq!(drain(&buffer), [Taken::Item(Some(10))], "{overflow:?}");
        }
    }

    proptest! {
        /// Every pushed value is either seen, in order, or counted exactly where it is missing,
        /// and the queue never exceeds its capacity.
        #[test]
        fn nothing_is_lost_silently(
            capacity in 1_usize..5,
            newest in any::<bool>(),
            steps in prop::collection::vec(prop::option::of(any::<bool>()), 0..60),
        ) {
            let overflow = if newest { Overflow::DropNewest } else { Overflow::DropOldest };
            let buffer = Buffer::new(Buffering { capacity, overflow });
            let (mut pushed, mut seen) = (0, 0);
            let mut cx = Context::from_waker(Waker::noop());
            let mut check = |taken: Taken<Option<u64>>| match taken {
                Taken::Item(Some(value)) => { seen += 1; assert_eq!(value, seen); }
                Taken::Item(None) => {}
                Taken::Lagged(lost) => seen += lost.expect("every value counts"),
            };
            for step in steps {
                match step {
                    Some(true) => { pushed += 1; buffer.push(Some(pushed)); }
                    Some(false) => buffer.push(None),
                    None => if let Poll::Ready(Some(taken)) = buffer.poll_take(&mut cx) { check(taken); },
                }
                assert!(buffer.lock().queue.len() <= capacity);
            }
            drain(&buffer).into_iter().for_each(&mut check);
            prop_assert_eq!(seen, pushed);
        }
    }
}
