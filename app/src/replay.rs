//! Plays trades into the market at the pace of a clock, or as fast as they can be read.

use std::{fmt, str::FromStr, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use tokio::{
    sync::mpsc,
    task,
    time::{self, Instant},
};

use crate::{
    bucket,
    candles::Change,
    market::Market,
    resolution::Resolution,
    tape::{Tape, TapeError},
    trade::Trade,
};

/// The speed at which a tape is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// Without waiting.
    Max,
    /// This many seconds of the tape in one second.
    Times(f64),
}

impl Speed {
    /// Returns the real time between `from` (milliseconds) and `time`.
    fn wait(self, from: i64, time: i64) -> Duration {
        match self {
            Self::Max => Duration::ZERO,
            Self::Times(speed) => {
                let passed = Duration::from_millis(u64::try_from(time.saturating_sub(from)).unwrap_or(0));
                Duration::try_from_secs_f64(passed.as_secs_f64() / speed).unwrap_or(Duration::MAX)
            }
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Times(speed) => write!(f, "{speed}"),
        }
    }
}

/// A speed that is neither `max` nor a number in the allowed range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a speed is `max` or a number from 0.001 to 1000000")]
pub struct SpeedError;

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        let speed = text.parse().map_err(|_| SpeedError)?;
        if (0.001..=1_000_000.0).contains(&speed) { Ok(Self::Times(speed)) } else { Err(SpeedError) }
    }
}

/// Plays trades into a market until they end or fail, and returns how many there were.
///
/// The market's clock starts now at `origin` (milliseconds), or at the time of the first trade if
/// there is no origin. It also advances at the ends of minutes without trades, so that bars end on
/// time. Late trades are applied at once.
///
/// # Errors
/// Returns the first error of the stream; everything before it has been played.
///
/// # Cancel safety
/// Dropping the future only discards trades that were not played yet.
pub async fn play<E>(
    trades: impl Stream<Item = Result<Trade, E>>,
    speed: Speed,
    origin: Option<i64>,
    market: &Market,
) -> Result<u64, E> {
    let mut trades = std::pin::pin!(trades);
    let begun = Instant::now();
    let (mut origin, mut clock, mut count) = (origin, origin, 0);
    while let Some(trade) = trades.next().await {
        let trade = trade?;
        count += 1;
        if speed != Speed::Max {
            let from = *origin.get_or_insert(trade.time);
            let mut now = *clock.get_or_insert(trade.time);
            while now < trade.time {
                now = bucket::end(Resolution::M1, now).min(trade.time);
                sleep_until(begun, speed.wait(from, now)).await;
                let _ = market.advance(now);
            }
            clock = Some(now);
        }
        if market.apply(&trade) == Change::Ended && speed == Speed::Max {
            // The shards get a turn to write to the subscribers before the next bar.
            task::yield_now().await;
        }
    }
    Ok(count)
}

/// Reads a tape on a blocking thread, a little ahead of the player.
pub fn read(tape: Tape) -> impl Stream<Item = Result<Trade, TapeError>> + Send {
    const BATCH: usize = 256;

    let (sender, receiver) = mpsc::channel::<Vec<Result<Trade, TapeError>>>(4);
    task::spawn_blocking(move || {
        let mut tape = tape.fuse();
        loop {
            let batch: Vec<_> = tape.by_ref().take(BATCH).collect();
            if batch.is_empty() || sender.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    stream::unfold(receiver, async |mut receiver| Some((stream::iter(receiver.recv().await?), receiver))).flatten()
}

async fn sleep_until(begun: Instant, after: Duration) {
    match begun.checked_add(after) {
        Some(due) => time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
    };

    use rust_decimal::Decimal;
    use topicast::Position;

    use super::*;
    use crate::{
        bar::Bar,
        broadcaster::BarBroadcaster,
        candles::Candles,
        mock::Mock,
        publish::{BarPublisher, BarTopic, BoxError},
    };

    const MINUTE: i64 = 60_000;

    /// When a bar was published, in seconds since the start, and its time in minutes.
    type Sent = Arc<Mutex<Vec<(u64, i64)>>>;

    struct Watch(Sent, Instant);

    impl BarPublisher for Watch {
        fn open(&self, _: &str, _: Resolution) -> Result<Box<dyn BarTopic>, BoxError> {
            Ok(Box::new(Self(Arc::clone(&self.0), self.1)))
        }
    }

    impl BarTopic for Watch {
        fn subscribers(&self) -> usize {
            1
        }

        fn publish(&self, bar: &Bar) -> Result<(), BoxError> {
            self.0.lock().expect("not poisoned").push((self.1.elapsed().as_secs(), bar.time / MINUTE));
            Ok(())
        }

        fn position(&self) -> Position {
            Position { epoch: "watch".to_owned(), seq: self.0.lock().expect("not poisoned").len() as u64 }
        }
    }

    fn market(interval: u64, sent: &Sent) -> Arc<Market> {
        let outlets = Box::new(Watch(Arc::clone(sent), Instant::now()));
        let interval = Duration::from_secs(interval);
        let broadcaster = BarBroadcaster::new(interval, &[], vec![Resolution::M1], outlets).expect("no symbols");
        Arc::new(Market::new(Candles::new(10_000), broadcaster, true))
    }

    fn trades(times: &[i64]) -> impl Stream<Item = Result<Trade, Infallible>> {
        let trade = |(id, &time): (usize, &i64)| {
            Ok(Trade { symbol: "X".into(), id: id as u64, time, price: Decimal::ONE, quantity: Decimal::ONE })
        };
        stream::iter(times.iter().enumerate().map(trade).collect::<Vec<_>>())
    }

    #[tokio::test(start_paused = true)]
    async fn bars_end_on_time_with_and_without_trades() {
        let sent = Sent::default();
        let market = market(3_600, &sent);
        let loop_ = tokio::spawn(Arc::clone(&market).broadcast());
        let times = [30_000, 31_000, 5 * MINUTE + 1, 5 * MINUTE, 7 * MINUTE];
        let begun = Instant::now();
        assert_eq!(play(trades(&times), Speed::Times(2.0), None, &market).await, Ok(5));
        // The tape begins at 0:30 and is played at twice its speed: 1:00 comes after 15 s.
        assert_eq!(*sent.lock().expect("not poisoned"), [(15, 0), (165, 5)]);
        assert_eq!(begun.elapsed().as_secs(), 195);
        loop_.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn ticks_and_final_states_interleave() {
        let sent = Sent::default();
        let market = market(25, &sent);
        let loop_ = tokio::spawn(Arc::clone(&market).broadcast());
        let times = [1_000, 59_000, 61_000, 119_000, 121_000];
        assert_eq!(play(trades(&times), Speed::Times(1.0), Some(0), &market).await, Ok(5));
        assert_eq!(
            *sent.lock().expect("not poisoned"),
            [(25, 0), (50, 0), (60, 0), (75, 1), (100, 1), (120, 1)],
            "every 25 s, and when a minute ends"
        );
        assert!(market.broadcaster().metrics().is_running);
        loop_.abort();
        assert!(loop_.await.expect_err("it was stopped").is_cancelled());
        assert!(!market.broadcaster().metrics().is_running);
    }

    #[tokio::test(start_paused = true)]
    async fn max_does_not_wait_and_leaves_out_no_bar() {
        let sent = Sent::default();
        let market = market(3_600, &sent);
        let loop_ = tokio::spawn(Arc::clone(&market).broadcast());
        let times: Vec<i64> = (0..5_000).map(|second| second * 1_000).collect();
        assert_eq!(play(trades(&times), Speed::Max, None, &market).await, Ok(5_000));
        let sent = sent.lock().expect("not poisoned");
        assert!(sent.iter().map(|&(at, minute)| (at, minute)).eq((0..83).map(|minute| (0, minute))), "{sent:?}");
        loop_.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_before_an_error_stays() {
        let market = market(1, &Sent::default());
        let broken =
            trades(&[0, 1]).map(|trade| trade.map_err(|never| match never {})).chain(stream::iter([Err("broken")]));
        assert_eq!(play(broken, Speed::Max, None, &market).await, Err("broken"));
        assert_eq!(market.bars("X", Resolution::M1, 0..1).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_mock_is_played_on_the_clock() {
        let market = market(1, &Sent::default());
        let mock = stream::iter(Mock::new(1, 0, &["X"])).map(Ok::<_, Infallible>);
        let playing = play(mock, Speed::Times(1.0), Some(0), &market);
        let _ = time::timeout(Duration::from_secs(120), playing).await.expect_err("a mock has no end");
        let bars = market.bars("X", Resolution::M1, 0..i64::MAX);
        let expected: Candles = Mock::new(1, 0, &["X"]).take_while(|trade| trade.time <= 120_000).fold(
            Candles::new(10),
            |mut candles, trade| {
                let _ = candles.apply(&trade);
                candles
            },
        );
        assert!(bars.iter().copied().eq(expected.range("X", Resolution::M1, 0..i64::MAX).map(Bar::from)));
        assert!(bars.len() >= 2);
    }

    #[test]
    fn speeds() {
        let check = |text: &str, speed| assert_eq!(text.parse::<Speed>(), speed, "{text}");
        check("max", Ok(Speed::Max));
        check("MAX", Ok(Speed::Max));
        check("1", Ok(Speed::Times(1.0)));
        check("0.5", Ok(Speed::Times(0.5)));
        for text in ["0", "-1", "nan", "inf", "1e9", "", "fast"] {
            check(text, Err(SpeedError));
        }
    }

    #[test]
    fn waits() {
        assert_eq!(Speed::Max.wait(0, i64::MAX), Duration::ZERO);
        assert_eq!(Speed::Times(2.0).wait(1_000, 3_000), Duration::from_secs(1));
        assert_eq!(Speed::Times(2.0).wait(3_000, 1_000), Duration::ZERO);
        assert!(Speed::Times(0.001).wait(0, i64::MAX) > Duration::from_secs(1 << 40));
    }
}
