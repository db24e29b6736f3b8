//! Channels of every kind over real sockets that are cut: what arrives is what was published.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use tokio::task::{JoinHandle, yield_now};
use topicast::{Builder, Server, Topic};
use topicast_client::{
    Buffering, Change, Client, Event, GapCause, Item, Options, Overflow, Position, Status, Subscription,
};

use crate::{
    harness::{TestServer, eager, next, soon, until, url},
    proxy::{Fate, Proxy},
};

/// A value that counts up.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
struct Count {
    number: u64,
}

/// Events that the server remembers.
#[topicast::ws_router(route = "trades", update = Count, history(count = 1000))]
struct Trades {}

/// The number of trades that the server remembers.
const HISTORY: u64 = 1_000;

/// A value of which only the newest matters.
#[topicast::ws_router(route = "quotes", update = Count, latest)]
struct Quotes {}

/// A side of a book.
#[topicast::data]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Ask,
    Bid,
}

/// A level of a book.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
struct Level {
    side: Side,
    price: u32,
    size: f64,
}

/// Rows with a checksum.
#[topicast::ws_router(route = "book", update = Level, table(key = (side, price), checksum))]
struct Book {}

fn builder() -> Builder<()> {
    Server::builder("Kinds", "1.0.0").channels(topicast::channels![Trades, Quotes, Book])
}

pub(crate) fn start() -> TestServer {
    TestServer::serve(builder().build().expect("the declarations fit together"))
}

/// Publishes to one topic of each kind.
pub(crate) struct Publisher {
    trades: Topic<Trades>,
    quotes: Topic<Quotes>,
    book: Topic<Book>,
}

impl Publisher {
    pub(crate) fn new(server: &TestServer) -> Self {
        Self {
            trades: server.ws.publisher::<Trades>().expect("the channel is listed").topic(&Trades {}).expect("a topic"),
            quotes: server.ws.publisher::<Quotes>().expect("the channel is listed").topic(&Quotes {}).expect("a topic"),
            book: server.ws.publisher::<Book>().expect("the channel is listed").topic(&Book {}).expect("a topic"),
        }
    }

    /// Publishes a number on each topic; in the book it stands for a change.
    pub(crate) fn publish(&self, number: u64) {
        self.trades.publish(&Count { number }).expect("a count is JSON");
        self.quotes.publish(&Count { number }).expect("a count is JSON");
        let (removed, set) = change(number);
        let changed = self.book.update(|rows| {
            rows.remove(&removed)?;
            rows.set(&set)
        });
        changed.expect("a level is a row");
    }
}

/// Returns the key that a number removes from the book, and the level that it sets.
fn change(number: u64) -> ((Side, u32), Level) {
    let mut random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut key = || {
        let side = if next_random(&mut random).is_multiple_of(2) { Side::Ask } else { Side::Bid };
        (side, u32::try_from(next_random(&mut random) % 20).expect("less than 20"))
    };
    let (removed, (side, price)) = (key(), key());
    (removed, Level { side, price, size: f64::from(u32::try_from(number).expect("not so many")) / 10.0 })
}

/// The rows of a book by their keys.
pub(crate) type Rows = BTreeMap<(Side, u32), f64>;

/// Applies the change that a number stands for.
pub(crate) fn apply(rows: &mut Rows, number: u64) {
    let (removed, Level { side, price, size }) = change(number);
    rows.remove(&removed);
    rows.insert((side, price), size);
}

pub(crate) fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// What a reader saw beside the values.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) values: u64,
    pub(crate) live: u64,
    pub(crate) epochs: u64,
    pub(crate) away: u64,
    pub(crate) lagged: u64,
}

impl Tally {
    fn take<V: std::fmt::Debug>(&mut self, item: Item<V>) {
        match item {
            Item::Update(_) | Item::Snapshot(_) => self.values += 1,
            Item::Status(Status::Live) => self.live += 1,
            Item::Status(Status::Stale(_)) => {}
            Item::Gap(gap) if gap.cause == GapCause::NewEpoch => self.epochs += 1,
            // The server recovers everything within an epoch, unless its history does not cover it.
            Item::Gap(gap) if gap.cause == GapCause::Away && gap.missed > Some(HISTORY) => self.away += 1,
            Item::Lagged(_) => self.lagged += 1,
            other => panic!("{other:?}"),
        }
    }
}

/// Reads events up to a number: each exactly once and in order, unless a gap says that the server
/// started again.
async fn read_events(mut stream: Subscription<Trades>, last: u64) -> Tally {
    let (mut tally, mut before, mut gap) = (Tally::default(), None, false);
    loop {
        let item = next(&mut stream).await;
        if let Item::Update(Count { number }) = item {
            let expected: Option<u64> = before.map(|before: u64| before + 1);
            assert!(
                expected.is_none_or(|expected| number == expected || gap && number > expected),
                "{number} after {before:?}"
            );
            (before, gap) = (Some(number), false);
        }
        gap |= matches!(item, Item::Gap(_));
        tally.take(item);
        if before == Some(last) {
            return tally;
        }
    }
}

/// Reads values up to a number, which only grow.
async fn read_latest(mut stream: Subscription<Quotes>, last: u64) -> Tally {
    let (mut tally, mut before) = (Tally::default(), 0);
    while before < last {
        let item = next(&mut stream).await;
        if let Item::Update(Count { number }) | Item::Snapshot(Count { number }) = item {
            assert!(number >= before, "{number} after {before}");
            before = number;
        }
        tally.take(item);
    }
    assert_eq!(stream.current(), Ok(Some(Count { number: last })));
    tally
}

fn rows_of(levels: Vec<Level>) -> Rows {
    levels.into_iter().map(|Level { side, price, size }| ((side, price), size)).collect()
}

/// Reads changes until the rows that they make are these.
async fn read_table(mut stream: Subscription<Book>, last: Rows) -> Tally {
    let (mut tally, mut rows) = (Tally::default(), Rows::new());
    while rows != last {
        let item = next(&mut stream).await;
        if let Item::Snapshot(_) = item {
            rows.clear();
        }
        if let Item::Update(Change { set, remove }) | Item::Snapshot(Change { set, remove }) = &item {
            rows.retain(|key, _| !remove.contains(key));
            rows.extend(rows_of(set.clone()));
        }
        tally.take(item);
    }
    assert_eq!(rows_of(stream.rows().expect("levels")), last);
    let view = stream.current();
    let keys: Vec<_> = view.iter().map(|row| row.expect("a level").0).collect();
    assert!(keys.is_sorted() && keys.len() == view.len(), "{keys:?}");
    for (key, size) in &last {
        assert_eq!(view.get(key).expect("a level").map(|level| level.size), Some(*size));
    }
    assert_eq!(view.get(&(Side::Ask, 999)), Ok(None));
    tally
}

/// The subscriptions of a client: one that keeps everything and one that drops, for each kind.
pub(crate) struct Streams {
    trades: Subscription<Trades>,
    quotes: [Subscription<Quotes>; 2],
    books: [Subscription<Book>; 2],
}

impl Streams {
    pub(crate) fn of(client: &Client) -> Self {
        let all = Buffering { capacity: 1 << 20, ..Buffering::default() };
        let few = Buffering { capacity: 3, overflow: Overflow::DropNewest };
        Self {
            trades: client.subscribe_with(&Trades {}, all).expect("a subscription"),
            quotes: [all, few].map(|buffering| client.subscribe_with(&Quotes {}, buffering).expect("a subscription")),
            books: [all, few].map(|buffering| client.subscribe_with(&Book {}, buffering).expect("a subscription")),
        }
    }

    /// Reads everything up to the last number, and returns the tallies, events first.
    pub(crate) async fn read(self, last: u64, rows: Rows) -> Vec<Tally> {
        let mut readers: Vec<JoinHandle<Tally>> = vec![tokio::spawn(read_events(self.trades, last))];
        readers.extend(self.quotes.map(|stream| tokio::spawn(read_latest(stream, last))));
        readers.extend(self.books.map(|stream| tokio::spawn(read_table(stream, rows.clone()))));
        let mut tallies = Vec::new();
        for reader in readers {
            tallies.push(soon(reader).await.expect("a reader"));
        }
        tallies
    }
}

/// Returns the faults of the server that a client reported, once the client is closed.
pub(crate) async fn faults(events: topicast_client::Events) -> Vec<Event> {
    soon(events.filter(|event| std::future::ready(matches!(event, Event::ServerFault(_)))).collect()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_through_two_hundred_cuts() {
    const CUTS: u64 = 200;
    let mut seed = 0x5eed_u64;
    let server = start();
    let publisher = Publisher::new(&server);
    let (mut last, mut rows) = (0, Rows::new());
    let mut publish = || {
        last += 1;
        publisher.publish(last);
        apply(&mut rows, last);
    };
    let mut proxy = Proxy::start(server.address).await;
    let fate = |seed: &mut u64| {
        let after = usize::try_from(next_random(seed) % 12_000).unwrap();
        Fate::Cut { after, reset: next_random(seed).is_multiple_of(2) }
    };
    proxy.set(fate(&mut seed));
    let client = eager(&url(proxy.address)).build().unwrap();
    let events = client.events();
    let mut streams = Streams::of(&client);
    for cut in 0..CUTS {
        soon(proxy.connected(cut + 1)).await;
        proxy.set(if cut + 1 < CUTS { fate(&mut seed) } else { Fate::Whole });
        let mut turns = 0;
        while proxy.ended() <= cut {
            turns += 1;
            if turns < 60 {
                publish();
            } else {
                // What is published does not reach the cut, so the session is closed instead.
                server.ws.sessions().iter().for_each(|session| session.close(topicast::CloseCode::GOING_AWAY, ""));
            }
            yield_now().await;
        }
        for _ in 0..next_random(&mut seed) % 4 {
            publish();
        }
    }
    soon(streams.trades.ready()).await.unwrap();
    publish();
    assert_eq!(rows_of(publisher.book.rows().unwrap()), rows);
    let tallies = streams.read(last, rows).await;
    let [trades, quotes, few_quotes, book, few_levels] = tallies[..] else { panic!("five readers") };
    // Everything was recovered, except before the first value had a position.
    assert_eq!((trades.away, trades.epochs), (0, 0), "{trades:?}");
    assert_eq!((quotes.epochs, book.epochs), (0, 0));
    assert!(trades.values > CUTS && trades.live > CUTS / 2, "{trades:?}");
    assert!(quotes.live > CUTS / 2 && book.live > CUTS / 2, "{quotes:?} {book:?}");
    assert!(quotes.values > CUTS / 4 && book.values > CUTS / 4, "{quotes:?} {book:?}");
    assert!(few_quotes.lagged > 0 && few_levels.lagged > 0, "{few_quotes:?} {few_levels:?}");
    client.close();
    assert_eq!(faults(events).await, []);
}

#[tokio::test]
async fn a_program_continues_where_a_former_run_stopped() {
    let server = start();
    let topic = server.ws.publisher::<Trades>().expect("the channel is listed").topic(&Trades {}).expect("a topic");
    let publish = |number| topic.publish(&Count { number }).unwrap();
    let client = eager(&server.url()).build().unwrap();
    let mut trades = client.subscribe(&Trades {}).unwrap();
    soon(trades.ready()).await.unwrap();
    (1..=3).for_each(publish);
    until(&mut trades, |item| (item == Item::Update(Count { number: 2 })).then_some(())).await;
    let stored = serde_json::to_string(trades.position().unwrap()).unwrap();
    drop((trades, client));
    publish(4);

    let position: Position = serde_json::from_str(&stored).unwrap();
    let client = eager(&server.url()).build().unwrap();
    let mut trades = client.subscribe_with(&Trades {}, Options::new().recover(position)).unwrap();
    assert_eq!(next(&mut trades).await, Item::Status(Status::Live));
    for number in 3..=4 {
        assert_eq!(next(&mut trades).await, Item::Update(Count { number }));
    }
    let other: Position = serde_json::from_str(r#"{"epoch":"another","seq":1}"#).unwrap();
    let client = eager(&server.url()).build().unwrap();
    let mut trades = client.subscribe_with(&Trades {}, Options::new().recover(other)).unwrap();
    assert_eq!(next(&mut trades).await, Item::Status(Status::Live));
    assert!(matches!(next(&mut trades).await, Item::Gap(gap) if gap.cause == GapCause::NewEpoch));
}

#[tokio::test]
async fn a_rewind_starts_with_past_updates_and_a_rate_merges() {
    let server = start();
    let publisher = Publisher::new(&server);
    (1..=5).for_each(|number| publisher.publish(number));
    let client = eager(&server.url()).build().unwrap();
    let mut trades = client.subscribe_with(&Trades {}, Options::new().rewind(3)).unwrap();
    assert_eq!(next(&mut trades).await, Item::Status(Status::Live));
    for number in 3..=5 {
        assert_eq!(next(&mut trades).await, Item::Update(Count { number }));
    }
    let mut quotes = client.subscribe_with(&Quotes {}, Options::new().max_rate(0.1)).unwrap();
    assert_eq!(next(&mut quotes).await, Item::Status(Status::Live));
    assert_eq!(next(&mut quotes).await, Item::Snapshot(Count { number: 5 }));

    let refused = |error: topicast_client::Error| {
        assert!(error.is_request());
        error.to_string()
    };
    let error = client.subscribe_with(&Trades {}, Options::new().rewind(1_001)).unwrap_err();
    assert_eq!(refused(error), "rewind is 1001; 1 to 1000 is allowed");
    let error = client.subscribe_with(&Quotes {}, Options::new().max_rate(f64::NAN)).unwrap_err();
    assert_eq!(refused(error), "max_rate is NaN; 0.1 to 1000 updates per second are allowed");
    let error = client.subscribe_with(&crate::harness::bars("A"), Options::new().rewind(1)).unwrap_err();
    assert_eq!(refused(error), "rewind is 1, but the channel bars is declared without history");
    let error = client.subscribe_with(&Quotes {}, Options::new().max_rate(5.0)).unwrap_err();
    assert!(refused(error).contains("max_rate is 5, but the topic is subscribed to with 0.1"));
}
