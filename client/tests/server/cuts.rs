//! A thousand seeded disconnects: no value is stale, wrong, duplicated or silently missing.

use std::time::Duration;

use tokio::task::{JoinHandle, yield_now};
use topicast::Topic;
use topicast_client::{Buffering, GapCause, Item, Overflow, Status, Subscription};
use topicast_tests::channels::{Bar, Bars};

use crate::{
    harness::{TestServer, bars, eager, next, soon, url},
    proxy::{Fate, Proxy},
};

const CUTS: u64 = 1_000;
const SYMBOLS: [&str; 3] = ["A", "B", "C"];

/// Reads one topic and accounts for every value.
struct Reader {
    symbol: usize,
    last: Option<i64>,
    missing: Option<i64>,
    live: bool,
    tally: Tally,
}

/// What a reader saw, to check that the test exercises what it is for.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    updates: u64,
    away: u64,
    epochs: u64,
    stale: u64,
    lagged: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.updates += other.updates;
        self.away += other.away;
        self.epochs += other.epochs;
        self.stale += other.stale;
        self.lagged += other.lagged;
    }
}

impl Reader {
    fn take(&mut self, item: Item<Bar>) {
        match item {
            Item::Update(bar) => {
                assert_eq!(
                    bar.close.floor(),
                    f64::from(u8::try_from(self.symbol).expect("one of three")),
                    "a stranger's bar"
                );
                assert!(self.live, "an update of a subscription that is not live");
                if let Some(last) = self.last {
                    assert!(bar.time > last, "{} after {last}: twice or backwards", bar.time);
                    if let Some(missing) = self.missing {
                        assert_eq!(bar.time - last - 1, missing, "missing between {last} and {}", bar.time);
                    }
                }
                (self.last, self.missing) = (Some(bar.time), Some(0));
                self.tally.updates += 1;
            }
            Item::Gap(gap) => {
                let missed = gap.missed.map(|missed| i64::try_from(missed).expect("not so many"));
                self.missing = self.missing.zip(missed).map(|(sum, missed)| sum + missed);
                match gap.cause {
                    GapCause::Away => self.tally.away += 1,
                    GapCause::NewEpoch => self.tally.epochs += 1,
                    other => panic!("the server skipped nothing: {other:?}"),
                }
            }
            Item::Lagged(lost) => {
                self.missing =
                    self.missing.zip(lost).map(|(sum, lost)| sum + i64::try_from(lost).expect("not so many"));
                self.tally.lagged += 1;
            }
            Item::Status(status) => {
                self.live = status.is_live();
                self.tally.stale += u64::from(!self.live);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Reads up to the last value.
    async fn read(mut self, mut stream: Subscription<Bars>) -> (Subscription<Bars>, Tally) {
        loop {
            let item = next(&mut stream).await;
            let last = matches!(&item, Item::Update(bar) if is_last(bar));
            self.take(item);
            if last {
                return (stream, self.tally);
            }
        }
    }
}

/// The last value of a topic is marked by half a point.
fn is_last(bar: &Bar) -> bool {
    bar.close.fract() > 0.0
}

/// Publishes to three topics: the values of a topic count up, across all servers.
struct Publisher {
    published: [i64; 3],
    topics: Vec<Topic<Bars>>,
}

impl Publisher {
    fn publish(&mut self, random: u64) {
        self.publish_to(usize::try_from(random % 3).expect("one of three"), 0.0);
    }

    fn publish_last(&mut self, symbol: usize) {
        self.publish_to(symbol, 0.5);
    }

    fn publish_to(&mut self, symbol: usize, mark: f64) {
        self.published[symbol] += 1;
        let close = f64::from(u8::try_from(symbol).expect("one of three")) + mark;
        self.topics[symbol].publish(&Bar { time: self.published[symbol], close }).expect("a bar is JSON");
    }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cuts() {
    let mut seed = 0x5eed_u64;
    let mut server = TestServer::start();
    let topics = |server: &TestServer| SYMBOLS.map(|symbol| server.topic(symbol)).to_vec();
    let mut publisher = Publisher { published: [0; 3], topics: topics(&server) };
    let mut proxy = Proxy::start(server.address).await;
    let fate = |seed: &mut u64| {
        // Some cuts fall into the handshake, most into updates, at any byte of a frame.
        let after = usize::try_from(random(seed) % 1_500).unwrap();
        match random(seed) % 20 {
            0 => Fate::Silent { after: after + 200 },
            1..=9 => Fate::Cut { after, reset: true },
            _ => Fate::Cut { after, reset: false },
        }
    };
    proxy.set(fate(&mut seed));
    let millis = Duration::from_millis;
    let client = eager(&url(proxy.address)).heartbeat(millis(25)).silence(millis(25)).build().unwrap();
    // The first topic has two readers, one of them with a tiny buffer.
    let mut readers: Vec<JoinHandle<_>> = Vec::new();
    for (symbol, capacity) in [(0, 1_024), (1, 1_024), (2, 1_024), (0, 1)] {
        let buffering = Buffering { capacity, overflow: Overflow::DropOldest };
        let stream = client.subscribe_with(&bars(SYMBOLS[symbol]), buffering).unwrap();
        let reader = Reader { symbol, last: None, missing: Some(0), live: false, tally: Tally::default() };
        readers.push(tokio::spawn(reader.read(stream)));
    }

    for cut in 0..CUTS {
        soon(proxy.connected(cut + 1)).await;
        proxy.set(fate(&mut seed));
        let mut turns = 0_u32;
        while proxy.ended() <= cut {
            turns += 1;
            // A silent wire is noticed only after the heartbeat timeout, so less is published then.
            if turns < 100 || turns.is_multiple_of(64) {
                publisher.publish(random(&mut seed));
            }
            yield_now().await;
        }
        if random(&mut seed).is_multiple_of(50) {
            server = TestServer::start();
            publisher.topics = topics(&server);
            proxy.set_target(server.address);
        }
        // Some are published while no client is connected.
        for _ in 0..random(&mut seed) % 4 {
            publisher.publish(random(&mut seed));
        }
    }

    // The last values must not be cut off.
    proxy.set(Fate::Whole);
    while proxy.newest() != Fate::Whole {
        publisher.publish(random(&mut seed));
        yield_now().await;
    }
    // The subscriptions go out before any request.
    soon(async { while client.ping().await.is_err() {} }).await;
    (0..SYMBOLS.len()).for_each(|symbol| publisher.publish_last(symbol));
    let mut sum = Tally::default();
    for reader in readers {
        let (stream, tally) = soon(reader).await.unwrap();
        assert_eq!(stream.status(), Status::Live);
        let current = stream.current().unwrap().unwrap();
        assert!(is_last(&current), "{current:?} is stale");
        sum.add(tally);
    }
    // The cuts had their effects.
    assert!(sum.updates > CUTS && sum.stale > CUTS && sum.away > 100 && sum.epochs > 10 && sum.lagged > 0, "{sum:?}");
}
