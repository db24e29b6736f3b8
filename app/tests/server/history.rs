//! Bars of the past over HTTP, and charts made of them and of the live bars.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    StreamExt,
    stream::{self, FuturesUnordered},
};
use proptest::prelude::*;
use serde::Deserialize;
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep_until, timeout},
};
use topicast::Position;
use trading_api::{
    bar::Bar,
    broadcaster::BarBroadcaster,
    candles::Candles,
    history::{HistoryRequest, Span},
    market::Market,
    mock::Mock,
    number::Number,
    publish::{BarPublisher, BarTopic, BoxError},
    replay::{self, Speed},
    resolution::Resolution,
};

use crate::support::{PATIENCE, Running, WireBar, data, start};

/// The answer of the server.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Answer {
    bars: Vec<Bar>,
    no_data: bool,
    next_time: Option<i64>,
    #[serde(flatten)]
    position: Option<Position>,
}

async fn fetch(server: &Running, query: &str) -> Answer {
    let (body, head) = server.get(&format!("/api/v1/bars?{query}"), "").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: application/json"), "{head}\n{body}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"))
}

fn tape() -> [String; 2] {
    ["synthetic_1.tape", "synthetic_2.tape.gz"].map(|name| data(name).display().to_string())
}

/// The last volume of every minute of `XUSD`, computed apart from this project's code.
fn volumes() -> Vec<(i64, Number)> {
    let text = std::fs::read_to_string(data("synthetic_bars.csv")).expect("the bars beside the tape");
    let rows = text.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>());
    let minutes = rows.filter(|row| (row[0], row[1]) == ("XUSD", "1"));
    minutes.map(|row| (row[2].parse().expect("a time"), Number(row[7].parse().expect("a decimal")))).collect()
}

/// Waits until the tape is over.
async fn over(server: &Running) {
    let (expected, market) = (volumes(), &server.market);
    let stored = || market.bars("XUSD", Resolution::M1, 0..i64::MAX);
    let over = async {
        while !stored().iter().map(|bar| (bar.time, bar.volume)).eq(expected.iter().copied()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, over).await.expect("the tape is played");
}

#[tokio::test]
async fn ranges_and_counts_are_answered_from_the_store() {
    let [one, two] = tape();
    let server = start(&["--tape", &one, "--tape", &two, "--speed", "max", "--tape-start", "now"]).await;
    over(&server).await;
    let all = server.market.bars("XUSD", Resolution::M1, 0..i64::MAX);
    let (first, last) = (all[0].time / 1_000, all[all.len() - 1].time / 1_000);
    let check = async |query: String, bars: &[Bar], next_time: Option<i64>| {
        let answer = fetch(&server, &format!("symbol=XUSD&{query}")).await;
        assert_eq!(
            (answer.bars, answer.next_time, answer.no_data),
            (bars.to_vec(), next_time, bars.is_empty()),
            "{query}"
        );
        assert!(answer.position.is_some(), "XUSD is published: {query}");
    };
    check(format!("from={first}&to={}", last + 1), &all, None).await;
    check(format!("from={first}&to={last}&resolution=1"), &all[..all.len() - 1], None).await;
    check(format!("from={}&to={}&countBack=2", last + 9, last + 10), &all[all.len() - 2..], None).await;
    check(format!("from={}&to={}", last + 60, last + 600), &[], Some(last)).await;
    check(format!("from=0&to={first}"), &[], None).await;
    check(format!("to={first}&countBack=3"), &[], None).await;
    let days = fetch(&server, &format!("symbol=XUSD&resolution=D&from=0&to={}", last + 1)).await.bars;
    assert_eq!(days, server.market.bars("XUSD", Resolution::Day, 0..i64::MAX));
    let unknown = fetch(&server, "symbol=Z%C3%BCrich%20%26&from=0&to=9").await;
    assert_eq!(unknown, Answer { bars: Vec::new(), no_data: true, next_time: None, position: None });
}

/// A chart that fetches first, leaves the server for a while without a subscriber, and then continues
/// from the position of the answer.
#[tokio::test]
async fn a_chart_that_fetches_and_then_recovers_from_the_position_misses_nothing() {
    let [one, two] = tape();
    let flags = ["--tape", &one, "--tape", &two, "--speed", "100", "--bar-broadcaster-interval", "0.01"];
    let server = start(&flags).await;
    // The first subscription starts the tape.
    let mut starter = server.connect().await;
    starter.subscribe("YUSD", "D").await;
    let mut answers: Vec<Answer> = Vec::new();
    while answers.len() < 3 {
        let answer = fetch(&server, &format!("{TO_THE_END}&from=0")).await;
        assert!(answer.bars.len() < volumes().len(), "the tape was over before all charts had begun");
        if answers.last().is_none_or(|before| before.bars.len() < answer.bars.len()) {
            answers.push(answer);
        }
    }
    over(&server).await;
    let store = Chart::of(fetch(&server, &format!("{TO_THE_END}&from=0")).await.bars);
    for answer in answers {
        let position = answer.position.expect("XUSD is published");
        let mut client = server.connect().await;
        let payload = serde_json::json!({ "symbol": "XUSD", "resolution": "1" });
        let subscribe = serde_json::json!({ "type": "bars.subscribe", "payload": payload, "recover": position });
        client.send(&subscribe.to_string()).await;
        let reply = client.receive().await;
        assert_eq!((reply.recovered, reply.epoch, reply.seq), (Some(true), Some(position.epoch), Some(position.seq)));
        let mut chart = Chart::of(answer.bars);
        let mut seq = position.seq;
        // The current bar, which is the last one now, comes at a tick.
        while chart.0.last_key_value() != store.0.last_key_value() {
            let update = client.receive().await;
            seq += 1;
            assert_eq!((update.kind.as_str(), update.seq), ("bars.update", Some(seq)));
            chart.take([bar(&serde_json::from_str(update.payload.get()).expect("a bar"))]);
        }
        assert!(chart.0.keys().eq(store.0.keys()), "a bar is missing");
        // The tape has one trade that comes after its minute has ended, which history only shows.
        let wrong = chart.0.iter().filter(|(time, bar)| store.0[time] != **bar).count();
        assert!(wrong <= 1, "{chart:?} is not {store:?}");
    }
}

#[tokio::test]
async fn a_bad_parameter_is_named_with_what_is_allowed() {
    let server = start(&[]).await;
    let check = async |query: &str, message: &str| {
        let (body, head) = server.get(&format!("/api/v1/bars?{query}"), "origin: https://a.example\r\n").await;
        assert!(head.starts_with("http/1.1 400") && head.contains("access-control-allow-origin: *"), "{head}");
        let problem = serde_json::json!({ "code": "invalid_parameter", "message": message });
        assert_eq!(body, problem.to_string(), "{query}");
    };
    check("", "symbol is missing or empty; a ticker is expected").await;
    check(
        "symbol=A&resolution=2&from=0&to=1",
        "resolution: unknown variant `2`, expected one of `1`, `5`, `15`, `30`, `60`, `D`, `W`, `M`",
    )
    .await;
    check("symbol=A&from=0&to=soon", "to: `soon` is not a whole number of seconds since 1970-01-01 00:00 UTC").await;
    check("symbol=A&from=0&to=1&countBack=0", "countBack: `0` is not a whole number of bars from 1 to 4294967295")
        .await;
}

/// Bars by time, of which a newer state has the larger volume.
#[derive(Debug, Default, Clone, PartialEq)]
struct Chart(BTreeMap<i64, Bar>);

impl Chart {
    fn take(&mut self, bars: impl IntoIterator<Item = Bar>) {
        for bar in bars {
            let known = self.0.entry(bar.time).or_insert(bar);
            if known.volume <= bar.volume {
                *known = bar;
            }
        }
    }

    fn of(bars: Vec<Bar>) -> Self {
        Self(bars.into_iter().map(|bar| (bar.time, bar)).collect())
    }
}

const TO_THE_END: &str = "symbol=XUSD&to=9999999999";

/// A chart of the page's kind: it subscribes, fetches history, then takes what comes. When a
/// bar begins it looks at the last bars again, since a late trade may have revised one that
/// the live channel has left behind. Once the tape is over it has to end like the store.
async fn live_chart(server: &Running, begin: u64, over: &AtomicBool, end: &OnceCell<Chart>) {
    let mut client = server.connect().await;
    client.subscribe("XUSD", "1").await;
    let mut chart = Chart::default();
    // Some updates come before the history, which then includes them.
    for _ in 0..begin {
        chart.take([bar(&client.bar().await.1)]);
    }
    chart.take(fetch(server, &format!("{TO_THE_END}&from=0")).await.bars);
    let mut before = i64::MAX;
    loop {
        let bar = bar(&client.bar().await.1);
        let begins = bar.time > before;
        before = bar.time;
        chart.take([bar]);
        if over.load(Ordering::Relaxed) {
            let end =
                end.get_or_init(async || Chart::of(fetch(server, &format!("{TO_THE_END}&from=0")).await.bars)).await;
            if chart == *end {
                return;
            }
        } else if begins {
            chart.take(fetch(server, &format!("{TO_THE_END}&countBack=3")).await.bars);
        }
    }
}

#[tokio::test]
async fn a_chart_that_subscribes_and_then_fetches_has_no_gap_and_no_wrong_bar() {
    let [one, two] = tape();
    let flags = ["--tape", &one, "--tape", &two, "--speed", "100", "--bar-broadcaster-interval", "0.01"];
    let server = start(&flags).await;
    let (finished, end) = (AtomicBool::new(false), OnceCell::new());
    let mut watch = server.connect().await;
    // The first subscription starts the tape; the charts come while it is played.
    watch.subscribe("XUSD", "1").await;
    let mut charts = FuturesUnordered::new();
    let play = async {
        over(&server).await;
        finished.store(true, Ordering::Relaxed);
    };
    let mut play = std::pin::pin!(play);
    let mut playing = true;
    for begin in 0..20 {
        for _ in 0..8 {
            tokio::select! {
                _ = watch.bar() => {}
                Some(()) = charts.next() => panic!("a chart ends with the tape, not before"),
                () = &mut play, if playing => playing = false,
            }
        }
        charts.push(live_chart(&server, begin % 4, &finished, &end));
    }
    assert!(playing, "the tape was over before all charts had begun");
    let all = async { tokio::join!(play, charts.for_each(async |()| {})) };
    timeout(PATIENCE, all).await.expect("every chart ends like the store");
    assert_eq!(end.get().expect("a chart asked for it").0.len(), volumes().len());
}

fn bar(wire: &WireBar) -> Bar {
    let number = |text: &String| Number(text.parse().expect("a decimal"));
    let (open, high, low) = (number(&wire.open), number(&wire.high), number(&wire.low));
    Bar { time: wire.time, open, high, low, close: number(&wire.close), volume: number(&wire.volume) }
}

/// What was published, and to how many.
#[derive(Clone, Default)]
struct Line {
    subscribers: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<Bar>>>,
}

impl Line {
    fn sent(&self) -> Vec<Bar> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl BarPublisher for Line {
    fn open(&self, _: &str, _: Resolution) -> Result<Box<dyn BarTopic>, BoxError> {
        Ok(Box::new(self.clone()))
    }
}

impl BarTopic for Line {
    fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Relaxed)
    }

    fn publish(&self, bar: &Bar) -> Result<(), BoxError> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(*bar);
        Ok(())
    }

    fn position(&self) -> Position {
        Position { epoch: "line".to_owned(), seq: self.sent().len() as u64 }
    }
}

/// A mock market for ten minutes of virtual time. A chart subscribes at `subscribe`, fetches
/// at `fetch` (milliseconds), and of the updates published by then reads `early` per cent
/// before the answer, the others after it.
async fn chart_on_the_mock(seed: u64, interval: u64, subscribe: u64, fetch: u64, early: usize) -> (Chart, Chart) {
    let line = Line::default();
    let interval = Duration::from_millis(interval);
    let symbols = ["X".to_owned()];
    let broadcaster = BarBroadcaster::new(interval, &symbols, vec![Resolution::M1], Box::new(line.clone()));
    let market = Arc::new(Market::new(Candles::new(100), broadcaster.expect("a good symbol"), false));
    let publishing = tokio::spawn(Arc::clone(&market).broadcast());
    let mock = stream::iter(Mock::new(seed, 0, &["X"]).map(Ok::<_, Infallible>));
    let playing = {
        let market = Arc::clone(&market);
        tokio::spawn(async move {
            let Ok(_) = replay::play(mock, Speed::Times(1.0), Some(0), &market).await;
        })
    };
    let begun = Instant::now();
    let at = |millis| sleep_until(begun + Duration::from_millis(millis));
    at(subscribe).await;
    line.subscribers.store(1, Ordering::Relaxed);
    at(fetch).await;
    let request = HistoryRequest { symbol: "X".into(), resolution: Resolution::M1, span: Span::From(0), to: 10_000 };
    let (answer, published) = (market.history(&request).bars, line.sent().len());
    at(600_000).await;
    playing.abort();
    // The bar that goes on is published at a tick.
    at(600_000 + u64::try_from(interval.as_millis()).expect("short")).await;
    publishing.abort();
    let (sent, mut chart) = (line.sent(), Chart::default());
    let (before, after) = sent.split_at(published * early / 100);
    chart.take(before.iter().copied());
    chart.take(answer);
    chart.take(after.iter().copied());
    (chart, Chart::of(market.history(&request).bars))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whenever_it_subscribes_and_fetches_a_chart_ends_like_the_store(
        seed in any::<u64>(),
        interval in 100_u64..90_000,
        subscribe in 0_u64..500_000,
        wait in 0_u64..90_000,
        early in 0_usize..=100,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let playing = chart_on_the_mock(seed, interval, subscribe, subscribe + wait, early);
        let (chart, store) = runtime.expect("a runtime").block_on(playing);
        prop_assert!(store.0.len() >= 9, "{store:?}");
        prop_assert_eq!(chart, store);
    }
}
