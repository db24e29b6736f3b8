//! Publishes the current bars every interval, and each bar's final state when it ends.

use std::{
    error::Error,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use topicast::{Publisher, Topic};
use tracing::{info, warn};

use crate::{
    bar::{Bar, Bars},
    candles::{Candle, Candles},
    resolution::Resolution,
};

/// Any error of what is published to.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Sends bars to the topics that have subscribers.
///
/// It holds no bars itself: [`tick`](Self::tick) and [`settle`](Self::settle) look at
/// the store and send what each topic has not had yet. So a bar's final state goes out
/// before the next bar's first whatever the interval is, and times never go back: a
/// late trade that revises a bar which a topic has left behind changes history only.
/// When nothing is traded, the current bar is the last one there was; a symbol that
/// was never traded has none, and its ticks are skipped.
pub struct BarBroadcaster {
    interval: Duration,
    resolutions: Vec<Resolution>,
    outlets: Box<dyn Outlets>,
    state: Mutex<State>,
}

/// Where bars are published: [`Publisher`], or a test's own.
pub trait Outlets: Send + Sync {
    /// The topic of a symbol and resolution.
    ///
    /// # Errors
    /// When there can be no such topic.
    fn open(&self, symbol: &str, resolution: Resolution) -> Result<Box<dyn Outlet>, BoxError>;
}

/// One topic that bars are published to.
pub trait Outlet: Send + Sync {
    /// How many would receive a bar now.
    fn subscribers(&self) -> usize;

    /// Sends a bar to all of them. Must not wait.
    ///
    /// # Errors
    /// When nobody was sent anything.
    fn publish(&self, bar: &Bar) -> Result<(), BoxError>;
}

/// How the broadcaster is set up and what it has done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Whether it publishes; false when it is disabled.
    pub is_running: bool,
    /// Seconds between two ticks.
    pub interval: f64,
    /// Symbols that are published.
    pub symbols: Vec<String>,
    /// Resolutions that are published.
    pub resolutions: Vec<Resolution>,
    /// Bars published: one for each topic and tick, and one for each final state.
    pub broadcasts_sent: u64,
    /// Topics passed over at a tick: nobody was subscribed, or nothing was traded yet.
    pub broadcasts_skipped: u64,
    /// Bars that could not be published.
    pub errors: u64,
}

#[derive(Default)]
struct State {
    running: bool,
    symbols: Vec<String>,
    lines: Vec<Line>,
    counts: Counts,
}

#[derive(Default, Clone, Copy)]
struct Counts {
    sent: u64,
    skipped: u64,
    errors: u64,
}

/// One topic and how far it has come.
struct Line {
    symbol: String,
    resolution: Resolution,
    outlet: Box<dyn Outlet>,
    mark: Option<Mark>,
}

/// The newest bar that a topic has dealt with, in the state it was in.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    start: i64,
    trades: u64,
    ended: bool,
}

impl BarBroadcaster {
    /// A broadcaster that does nothing until it is [started](Self::start).
    ///
    /// # Errors
    /// When a symbol can have no topic.
    pub fn new(
        interval: Duration,
        symbols: &[String],
        resolutions: Vec<Resolution>,
        outlets: Box<dyn Outlets>,
    ) -> Result<Self, BoxError> {
        let broadcaster = Self { interval, resolutions, outlets, state: Mutex::default() };
        for symbol in symbols {
            broadcaster.add(symbol)?;
        }
        Ok(broadcaster)
    }

    /// Seconds between two ticks.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Adds a symbol; one that is there already stays as it is.
    ///
    /// # Errors
    /// When the symbol can have no topic.
    pub fn add(&self, symbol: &str) -> Result<(), BoxError> {
        let mut state = self.state();
        if state.symbols.iter().any(|known| known == symbol) {
            return Ok(());
        }
        let open = |&resolution: &Resolution| {
            let outlet = self.outlets.open(symbol, resolution)?;
            Ok(Line { symbol: symbol.to_owned(), resolution, outlet, mark: None })
        };
        let lines = self.resolutions.iter().map(open).collect::<Result<Vec<_>, BoxError>>()?;
        state.lines.extend(lines);
        state.symbols.push(symbol.to_owned());
        Ok(())
    }

    /// Begins to publish. Bars that ended before are history and are not published.
    pub fn start(&self, candles: &Candles) {
        let mut state = self.state();
        for line in &mut state.lines {
            line.pass_over(candles);
        }
        state.running = true;
        info!(
            "📡 Bar broadcaster started: symbols={}, interval={:?}s",
            list(&state.symbols),
            self.interval.as_secs_f64()
        );
    }

    /// Stops publishing.
    pub fn stop(&self) {
        self.state().running = false;
    }

    /// Publishes the current bar of every topic that has subscribers, changed or not.
    pub fn tick(&self, candles: &Candles) {
        let mut state = self.state();
        let State { running: true, lines, counts, .. } = &mut *state else { return };
        for line in lines {
            line.pass(candles, true, counts);
        }
    }

    /// Publishes the bars that have ended, or were revised after they had, since the last call.
    pub fn settle(&self, candles: &Candles) {
        let mut state = self.state();
        let State { running: true, lines, counts, .. } = &mut *state else { return };
        for line in lines {
            line.pass(candles, false, counts);
        }
    }

    /// What it has done so far.
    pub fn metrics(&self) -> Metrics {
        let state = self.state();
        Metrics {
            is_running: state.running,
            interval: self.interval.as_secs_f64(),
            symbols: state.symbols.clone(),
            resolutions: self.resolutions.clone(),
            broadcasts_sent: state.counts.sent,
            broadcasts_skipped: state.counts.skipped,
            errors: state.counts.errors,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state leaves it whole, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn pass(&mut self, candles: &Candles, tick: bool, counts: &mut Counts) {
        if self.outlet.subscribers() == 0 {
            self.pass_over(candles);
            counts.skipped += u64::from(tick);
            return;
        }
        let mut published = false;
        let from = self.mark.map_or(i64::MIN, |mark| mark.start);
        for candle in candles.range(&self.symbol, self.resolution, from..i64::MAX) {
            let mark = Mark::of(candle, candles);
            if mark.ended && self.mark != Some(mark) {
                self.mark = Some(mark);
                self.publish(candle, counts);
                published = true;
            }
        }
        if !tick {
            return;
        }
        match candles.current(&self.symbol, self.resolution) {
            Some(candle) => {
                let mark = Some(Mark::of(candle, candles));
                // What has just gone out as a final state need not go out twice.
                if !(published && self.mark == mark) {
                    self.mark = mark;
                    self.publish(candle, counts);
                }
            }
            None => counts.skipped += 1,
        }
    }

    /// Leaves behind what nobody was there to receive.
    fn pass_over(&mut self, candles: &Candles) {
        self.mark = candles.current(&self.symbol, self.resolution).map(|candle| Mark::of(candle, candles));
    }

    fn publish(&self, candle: &Candle, counts: &mut Counts) {
        match self.outlet.publish(&Bar::from(candle)) {
            Ok(()) => counts.sent += 1,
            Err(error) => {
                counts.errors += 1;
                warn!(symbol = self.symbol, resolution = %self.resolution, %error, "a bar was not published");
            }
        }
    }
}

impl Mark {
    fn of(candle: &Candle, candles: &Candles) -> Self {
        Self { start: candle.start, trades: candle.trades, ended: candles.has_ended(candle) }
    }
}

impl Outlets for Publisher<Bars> {
    fn open(&self, symbol: &str, resolution: Resolution) -> Result<Box<dyn Outlet>, BoxError> {
        Ok(Box::new(self.topic(&Bars { symbol: symbol.to_owned(), resolution })?))
    }
}

impl Outlet for Topic<Bars> {
    fn subscribers(&self) -> usize {
        Self::subscribers(self)
    }

    fn publish(&self, bar: &Bar) -> Result<(), BoxError> {
        Ok(Self::publish(self, bar)?)
    }
}

/// A list as the start line has always shown it: `['AAPL', 'GOOGL']`.
fn list(symbols: &[String]) -> String {
    let mut text = String::from("[");
    for (at, symbol) in symbols.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        let escaped = symbol.replace('\\', "\\\\").replace('\'', "\\'");
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}'{escaped}'");
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
    };

    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::{bucket, trade::Trade};

    const MINUTE: i64 = 60_000;

    /// Outlets that note what was published.
    #[derive(Clone, Default)]
    struct Notes {
        subscribers: Arc<AtomicUsize>,
        broken: Arc<AtomicBool>,
        published: Arc<Mutex<Vec<(String, Resolution, Bar)>>>,
    }

    struct Note {
        notes: Notes,
        symbol: String,
        resolution: Resolution,
    }

    impl Outlets for Notes {
        fn open(&self, symbol: &str, resolution: Resolution) -> Result<Box<dyn Outlet>, BoxError> {
            if symbol == "bad" {
                return Err("no topic".into());
            }
            Ok(Box::new(Note { notes: self.clone(), symbol: symbol.to_owned(), resolution }))
        }
    }

    impl Outlet for Note {
        fn subscribers(&self) -> usize {
            self.notes.subscribers.load(Ordering::Relaxed)
        }

        fn publish(&self, bar: &Bar) -> Result<(), BoxError> {
            if self.notes.broken.load(Ordering::Relaxed) {
                return Err("broken".into());
            }
            let mut published = self.notes.published.lock().expect("not poisoned");
            published.push((self.symbol.clone(), self.resolution, *bar));
            Ok(())
        }
    }

    impl Notes {
        fn subscribe(&self, count: usize) {
            self.subscribers.store(count, Ordering::Relaxed);
        }

        /// Minute and volume of what was published since the last call.
        fn take(&self) -> Vec<(i64, i64)> {
            let published = std::mem::take(&mut *self.published.lock().expect("not poisoned"));
            published.iter().map(|(_, _, bar)| (bar.time / MINUTE, volume(bar))).collect()
        }
    }

    fn volume(bar: &Bar) -> i64 {
        i64::try_from(bar.volume.0).expect("whole volumes")
    }

    fn broadcaster(notes: &Notes, symbols: &[&str]) -> BarBroadcaster {
        let symbols: Vec<String> = symbols.iter().map(|&symbol| symbol.to_owned()).collect();
        let outlets = Box::new(notes.clone());
        let broadcaster = BarBroadcaster::new(Duration::from_secs(2), &symbols, vec![Resolution::M1], outlets);
        let broadcaster = broadcaster.expect("good symbols");
        broadcaster.start(&Candles::new(10));
        broadcaster
    }

    fn trade(id: u64, time: i64) -> Trade {
        Trade { symbol: "X".into(), id, time, price: Decimal::ONE, quantity: Decimal::ONE }
    }

    #[test]
    fn publishes_the_current_bar_changed_or_not() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X", "Y"]);
        notes.subscribe(1);
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [], "nothing was traded yet");
        let _ = candles.apply(&trade(1, 0));
        broadcaster.tick(&candles);
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(0, 1), (0, 1)]);
        let metrics = broadcaster.metrics();
        assert_eq!((metrics.broadcasts_sent, metrics.broadcasts_skipped, metrics.errors), (2, 4, 0));
    }

    #[test]
    fn skips_topics_without_subscribers() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X", "Y"]);
        let _ = candles.apply(&trade(1, 0));
        broadcaster.tick(&candles);
        broadcaster.settle(&candles);
        assert_eq!(notes.take(), []);
        assert_eq!(broadcaster.metrics().broadcasts_skipped, 2);
    }

    #[test]
    fn a_final_state_goes_out_once_and_before_the_next_bar() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X"]);
        notes.subscribe(1);
        let _ = candles.apply(&trade(1, 0));
        broadcaster.tick(&candles);
        let _ = candles.apply(&trade(2, 10));
        let _ = candles.apply(&trade(3, MINUTE));
        broadcaster.settle(&candles);
        assert_eq!(notes.take(), [(0, 1), (0, 2)]);
        broadcaster.settle(&candles);
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(1, 1)]);
    }

    #[test]
    fn a_final_state_found_at_a_tick_goes_out_first() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X"]);
        notes.subscribe(1);
        for (id, minute) in [0, 1, 3, 4].into_iter().enumerate() {
            let _ = candles.apply(&trade(id as u64, minute * MINUTE));
        }
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(0, 1), (1, 1), (3, 1), (4, 1)]);
    }

    #[test]
    fn a_bar_ends_without_a_trade_and_stays_current() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X"]);
        notes.subscribe(1);
        let _ = candles.apply(&trade(1, 0));
        let _ = candles.advance(MINUTE);
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(0, 1)], "one tick sends one bar, final or not");
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(0, 1)], "the market is quiet");
    }

    #[test]
    fn a_late_trade_corrects_the_last_bar_sent_and_no_other() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X"]);
        notes.subscribe(1);
        let _ = candles.apply(&trade(1, 0));
        let _ = candles.apply(&trade(2, MINUTE));
        broadcaster.settle(&candles);
        let _ = candles.apply(&trade(3, 1));
        broadcaster.settle(&candles);
        assert_eq!(notes.take(), [(0, 1), (0, 2)], "the next bar has not been sent");
        broadcaster.tick(&candles);
        let _ = candles.apply(&trade(4, 2));
        broadcaster.settle(&candles);
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(1, 1), (1, 1)], "times never go back");
    }

    #[test]
    fn who_comes_later_gets_no_bars_that_ended_before() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X"]);
        for minute in 0..5 {
            let _ = candles.apply(&trade(minute, i64::try_from(minute).expect("small") * MINUTE));
            broadcaster.settle(&candles);
        }
        notes.subscribe(1);
        broadcaster.settle(&candles);
        assert_eq!(notes.take(), []);
        let _ = candles.advance(5 * MINUTE);
        broadcaster.settle(&candles);
        assert_eq!(notes.take(), [(4, 1)]);
    }

    #[test]
    fn a_failed_publish_is_an_error_and_the_rest_goes_on() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X"]);
        notes.subscribe(1);
        let _ = candles.apply(&trade(1, 0));
        notes.broken.store(true, Ordering::Relaxed);
        broadcaster.tick(&candles);
        notes.broken.store(false, Ordering::Relaxed);
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(0, 1)]);
        let metrics = broadcaster.metrics();
        assert_eq!((metrics.broadcasts_sent, metrics.errors), (1, 1));
    }

    #[test]
    fn publishes_only_while_it_runs() {
        let (notes, mut candles) = (Notes::default(), Candles::new(10));
        let broadcaster = broadcaster(&notes, &["X"]);
        notes.subscribe(1);
        let _ = candles.apply(&trade(1, 0));
        assert!(broadcaster.metrics().is_running);
        broadcaster.stop();
        broadcaster.tick(&candles);
        broadcaster.settle(&candles);
        assert_eq!(notes.take(), []);
        assert!(!broadcaster.metrics().is_running);
        assert_eq!(broadcaster.metrics().broadcasts_skipped, 0);
        broadcaster.start(&candles);
        broadcaster.tick(&candles);
        assert_eq!(notes.take(), [(0, 1)]);
    }

    #[test]
    fn symbols_can_be_added_and_bad_ones_are_refused() {
        let broadcaster = broadcaster(&Notes::default(), &["X"]);
        broadcaster.add("Y").expect("a good symbol");
        broadcaster.add("X").expect("a known symbol");
        broadcaster.add("bad").expect_err("no topic");
        assert_eq!(broadcaster.metrics().symbols, ["X", "Y"]);
    }

    #[test]
    fn metrics_are_json_as_health_shows_them() {
        let json = serde_json::to_string(&broadcaster(&Notes::default(), &["X"]).metrics()).expect("metrics are JSON");
        assert_eq!(
            json,
            r#"{"is_running":true,"interval":2.0,"symbols":["X"],"resolutions":["1"],"broadcasts_sent":0,"broadcasts_skipped":0,"errors":0}"#
        );
    }

    #[test]
    fn lists_look_as_they_always_did() {
        let check = |symbols: &[&str], text| {
            assert_eq!(list(&symbols.iter().map(|&symbol| symbol.to_owned()).collect::<Vec<_>>()), text);
        };
        check(&["AAPL", "GOOGL", "MSFT"], "['AAPL', 'GOOGL', 'MSFT']");
        check(&[], "[]");
        check(&["O'X"], "['O\\'X']");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Trade(i64),
        Late(i64),
        Quiet(i64),
        Tick,
        Subscribers(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..MINUTE).prop_map(Step::Trade),
            1 => (0..3 * MINUTE).prop_map(Step::Late),
            1 => (0..3 * MINUTE).prop_map(Step::Quiet),
            2 => Just(Step::Tick),
            1 => (0_usize..2).prop_map(Step::Subscribers),
        ];
        proptest::collection::vec(step, 0..120)
    }

    proptest! {
        #[test]
        fn times_never_go_back_and_no_final_state_is_missing(steps in steps()) {
            let (notes, mut candles) = (Notes::default(), Candles::new(1_000));
            let symbols = ["X".to_owned()];
            let all = Resolution::ALL.to_vec();
            let broadcaster = BarBroadcaster::new(Duration::from_secs(1), &symbols, all, Box::new(notes.clone()));
            let broadcaster = broadcaster.expect("a good symbol");
            broadcaster.start(&candles);
            notes.subscribe(1);
            let (mut now, mut listening_since, mut late) = (0, Some(0), false);
            for (id, step) in steps.iter().enumerate() {
                match *step {
                    Step::Trade(after) => {
                        now += after;
                        let _ = candles.apply(&trade(id as u64, now));
                    }
                    Step::Late(before) => {
                        late = true;
                        let _ = candles.apply(&trade(id as u64, (now - before).max(0)));
                    }
                    Step::Quiet(after) => {
                        now += after;
                        let _ = candles.advance(now);
                    }
                    Step::Tick => broadcaster.tick(&candles),
                    Step::Subscribers(count) => {
                        notes.subscribe(count);
                        listening_since = (count > 0).then(|| listening_since.unwrap_or(now));
                    }
                }
                broadcaster.settle(&candles);
            }
            let mut seen = HashMap::<Resolution, Vec<Bar>>::new();
            for (_, resolution, bar) in notes.published.lock().expect("not poisoned").iter() {
                seen.entry(*resolution).or_default().push(*bar);
            }
            for (resolution, bars) in &seen {
                prop_assert!(bars.is_sorted_by_key(|bar| bar.time), "times of {} go back", resolution);
            }
            let Some(since) = listening_since.filter(|_| !late) else { return Ok(()) };
            for resolution in Resolution::ALL {
                let whole = bucket::start(resolution, since)..now;
                for candle in candles.range("X", resolution, whole).filter(|candle| candles.has_ended(candle) && candle.end > since) {
                    let last = seen.get(&resolution).and_then(|bars| bars.iter().rfind(|bar| bar.time == candle.start));
                    prop_assert_eq!(last, Some(&Bar::from(candle)));
                }
            }
        }
    }
}
