//! The broadcaster over topics that record what is published.

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
use crate::{bar::Bar, publish::BarTopic, trade::Trade};

const MINUTE: i64 = 60_000;

/// A publisher whose topics record what is published.
#[derive(Clone, Default)]
struct Recorder {
    subscribers: Arc<AtomicUsize>,
    broken: Arc<AtomicBool>,
    published: Arc<Mutex<Vec<(String, Resolution, Bar)>>>,
}

struct RecordedTopic {
    recorder: Recorder,
    symbol: String,
    resolution: Resolution,
}

impl BarPublisher for Recorder {
    fn open(&self, symbol: &str, resolution: Resolution) -> Result<Box<dyn BarTopic>, BoxError> {
        if symbol == "bad" {
            return Err("no topic".into());
        }
        Ok(Box::new(RecordedTopic { recorder: self.clone(), symbol: symbol.to_owned(), resolution }))
    }
}

impl BarTopic for RecordedTopic {
    fn subscribers(&self) -> usize {
        self.recorder.subscribers.load(Ordering::Relaxed)
    }

    fn publish(&self, bar: &Bar) -> Result<(), BoxError> {
        if self.recorder.broken.load(Ordering::Relaxed) {
            return Err("broken".into());
        }
        let mut published = self.recorder.published.lock().expect("not poisoned");
        published.push((self.symbol.clone(), self.resolution, *bar));
        Ok(())
    }

    fn position(&self) -> Position {
        let published = self.recorder.published.lock().expect("not poisoned");
        let own =
            published.iter().filter(|(symbol, resolution, _)| (symbol, *resolution) == (&self.symbol, self.resolution));
        Position { epoch: self.symbol.clone(), seq: own.count() as u64 }
    }
}

impl Recorder {
    fn subscribe(&self, count: usize) {
        self.subscribers.store(count, Ordering::Relaxed);
    }

    /// Returns the minute and volume of the bars published since the last call.
    fn take(&self) -> Vec<(i64, i64)> {
        let published = std::mem::take(&mut *self.published.lock().expect("not poisoned"));
        published.iter().map(|(_, _, bar)| (bar.time / MINUTE, volume(bar))).collect()
    }
}

fn volume(bar: &Bar) -> i64 {
    i64::try_from(bar.volume.0).expect("whole volumes")
}

fn broadcaster(recorder: &Recorder, symbols: &[&str]) -> BarBroadcaster {
    let symbols: Vec<String> = symbols.iter().map(|&symbol| symbol.to_owned()).collect();
    let publisher = Box::new(recorder.clone());
    let broadcaster = BarBroadcaster::new(Duration::from_secs(2), &symbols, vec![Resolution::M1], publisher);
    let broadcaster = broadcaster.expect("good symbols");
    broadcaster.start(&Candles::new(10));
    broadcaster
}

fn trade(id: u64, time: i64) -> Trade {
    Trade { symbol: "X".into(), id, time, price: Decimal::ONE, quantity: Decimal::ONE }
}

#[test]
fn publishes_the_current_bar_changed_or_not() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X", "Y"]);
    recorder.subscribe(1);
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [], "nothing was traded yet");
    let _ = candles.apply(&trade(1, 0));
    broadcaster.tick(&candles);
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(0, 1), (0, 1)]);
    let metrics = broadcaster.metrics();
    assert_eq!((metrics.broadcasts_sent, metrics.broadcasts_skipped, metrics.errors), (2, 4, 0));
}

#[test]
fn a_tick_skips_topics_without_subscribers() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X", "Y"]);
    let _ = candles.apply(&trade(1, 0));
    broadcaster.tick(&candles);
    broadcaster.settle(&candles);
    assert_eq!(recorder.take(), []);
    assert_eq!(broadcaster.metrics().broadcasts_skipped, 2);
}

#[test]
fn a_final_state_goes_out_once_and_before_the_next_bar() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X"]);
    recorder.subscribe(1);
    let _ = candles.apply(&trade(1, 0));
    broadcaster.tick(&candles);
    let _ = candles.apply(&trade(2, 10));
    let _ = candles.apply(&trade(3, MINUTE));
    broadcaster.settle(&candles);
    assert_eq!(recorder.take(), [(0, 1), (0, 2)]);
    broadcaster.settle(&candles);
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(1, 1)]);
}

#[test]
fn a_final_state_found_at_a_tick_goes_out_first() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X"]);
    recorder.subscribe(1);
    for (id, minute) in [0, 1, 3, 4].into_iter().enumerate() {
        let _ = candles.apply(&trade(id as u64, minute * MINUTE));
    }
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(0, 1), (1, 1), (3, 1), (4, 1)]);
}

#[test]
fn a_bar_ends_without_a_trade_and_stays_current() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X"]);
    recorder.subscribe(1);
    let _ = candles.apply(&trade(1, 0));
    let _ = candles.advance(MINUTE);
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(0, 1)], "one tick sends one bar, final or not");
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(0, 1)], "the market is quiet");
}

#[test]
fn a_late_trade_corrects_the_last_bar_sent_and_no_other() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X"]);
    recorder.subscribe(1);
    let _ = candles.apply(&trade(1, 0));
    let _ = candles.apply(&trade(2, MINUTE));
    broadcaster.settle(&candles);
    let _ = candles.apply(&trade(3, 1));
    broadcaster.settle(&candles);
    assert_eq!(recorder.take(), [(0, 1), (0, 2)], "the next bar has not been sent");
    broadcaster.tick(&candles);
    let _ = candles.apply(&trade(4, 2));
    broadcaster.settle(&candles);
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(1, 1), (1, 1)], "times never go back");
}

#[test]
fn final_states_are_published_once_and_without_subscribers() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X"]);
    for minute in 0..4 {
        let _ = candles.apply(&trade(minute, i64::try_from(minute).expect("small") * MINUTE));
        broadcaster.settle(&candles);
        broadcaster.tick(&candles);
    }
    assert_eq!(recorder.take(), [(0, 1), (1, 1), (2, 1)], "a client that returns recovers them");
    assert_eq!(broadcaster.metrics().broadcasts_sent, 0, "there was no subscriber");
    recorder.subscribe(1);
    broadcaster.settle(&candles);
    assert_eq!(recorder.take(), [], "a later subscriber does not receive them again");
    broadcaster.tick(&candles);
    let _ = candles.advance(4 * MINUTE);
    broadcaster.settle(&candles);
    assert_eq!(recorder.take(), [(3, 1), (3, 1)]);
    assert_eq!(broadcaster.metrics().broadcasts_sent, 2);
}

#[test]
fn a_topic_has_a_position_if_it_is_published() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X", "Y"]);
    recorder.subscribe(1);
    let _ = candles.apply(&trade(1, 0));
    broadcaster.tick(&candles);
    let position = |symbol, resolution| broadcaster.position(&candles, symbol, resolution);
    assert_eq!(position("X", Resolution::M1), Some(Position { epoch: "X".to_owned(), seq: 1 }));
    assert_eq!(position("Y", Resolution::M1), Some(Position { epoch: "Y".to_owned(), seq: 0 }));
    assert_eq!(position("X", Resolution::M5), None);
    assert_eq!(position("Z", Resolution::M1), None);
}

#[test]
fn a_failed_publish_is_an_error_and_the_rest_goes_on() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X"]);
    recorder.subscribe(1);
    let _ = candles.apply(&trade(1, 0));
    recorder.broken.store(true, Ordering::Relaxed);
    broadcaster.tick(&candles);
    recorder.broken.store(false, Ordering::Relaxed);
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(0, 1)]);
    let metrics = broadcaster.metrics();
    assert_eq!((metrics.broadcasts_sent, metrics.errors), (1, 1));
}

#[test]
fn publishes_only_while_it_runs() {
    let (recorder, mut candles) = (Recorder::default(), Candles::new(10));
    let broadcaster = broadcaster(&recorder, &["X"]);
    recorder.subscribe(1);
    let _ = candles.apply(&trade(1, 0));
    assert!(broadcaster.metrics().is_running);
    broadcaster.stop();
    broadcaster.tick(&candles);
    broadcaster.settle(&candles);
    assert_eq!(recorder.take(), []);
    assert!(!broadcaster.metrics().is_running);
    assert_eq!(broadcaster.metrics().broadcasts_skipped, 0);
    broadcaster.start(&candles);
    broadcaster.tick(&candles);
    assert_eq!(recorder.take(), [(0, 1)]);
}

#[test]
fn symbols_can_be_added_and_bad_ones_are_refused() {
    let broadcaster = broadcaster(&Recorder::default(), &["X"]);
    broadcaster.add("Y").expect("a good symbol");
    broadcaster.add("X").expect("a known symbol");
    broadcaster.add("bad").expect_err("no topic");
    assert_eq!(broadcaster.metrics().symbols, ["X", "Y"]);
}

#[test]
fn metrics_are_json_as_health_shows_them() {
    let json = serde_json::to_string(&broadcaster(&Recorder::default(), &["X"]).metrics()).expect("metrics are JSON");
    assert_eq!(
        json,
        r#"{"is_running":true,"interval":2.0,"symbols":["X"],"resolutions":["1"],"broadcasts_sent":0,"broadcasts_skipped":0,"errors":0}"#
    );
}

#[test]
fn lists_are_formatted_for_the_start_line() {
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
        let (recorder, mut candles) = (Recorder::default(), Candles::new(1_000));
        let symbols = ["X".to_owned()];
        let all = Resolution::ALL.to_vec();
        let broadcaster = BarBroadcaster::new(Duration::from_secs(1), &symbols, all, Box::new(recorder.clone()));
        let broadcaster = broadcaster.expect("a good symbol");
        broadcaster.start(&candles);
        recorder.subscribe(1);
        let (mut now, mut late) = (0, false);
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
                Step::Subscribers(count) => recorder.subscribe(count),
            }
            broadcaster.settle(&candles);
        }
        let mut seen = HashMap::<Resolution, Vec<Bar>>::new();
        for (_, resolution, bar) in recorder.published.lock().expect("not poisoned").iter() {
            seen.entry(*resolution).or_default().push(*bar);
        }
        for (resolution, bars) in &seen {
            prop_assert!(bars.is_sorted_by_key(|bar| bar.time), "times of {} go back", resolution);
        }
        // A late trade changes bars that the topic has left behind.
        if late {
            return Ok(());
        }
        for resolution in Resolution::ALL {
            for candle in candles.range("X", resolution, 0..now).filter(|candle| candles.has_ended(candle)) {
                let last = seen.get(&resolution).and_then(|bars| bars.iter().rfind(|bar| bar.time == candle.start));
                prop_assert_eq!(last, Some(&Bar::from(candle)));
            }
        }
    }
}
