//! Tests of leases, retention and eviction.

use std::time::Duration;

use super::*;
use crate::{
    declare::{Fragment, HistoryFragment, KindFragment, schema_of},
    fanout::{Bounds, Hub, SlowConsumer},
    topics::{Feed, Loaded, Subscription},
    wire::{Start, Transport},
};

const EVENTS: Fragment = Fragment::faulty("events");
const HISTORY: Fragment = Fragment {
    kind: KindFragment::Events { history: Some(HistoryFragment { count: Some(10), age_ms: Some(120_000) }) },
    ..EVENTS
};
const LATEST: Fragment = Fragment { kind: KindFragment::Latest, request: schema_of::<()>, ..EVENTS };

fn settings(fragment: &'static Fragment) -> TopicSettings {
    TopicSettings { fragment, served: false, slow: SlowConsumer::close() }
}

fn topics(bytes: usize) -> Arc<Topics> {
    let time = Duration::from_secs(60);
    Topics::new(Retention { time, bytes, table_bytes: 1 << 20, replay_bytes: 1 << 20 })
}

fn epoch(topic: &Lease) -> String {
    topic.open_state(&Start::default()).epoch.to_string()
}

#[tokio::test]
async fn a_shard_whose_last_subscriber_left_is_sent_no_more_updates() {
    let hub = Hub::new(2, Bounds { outbox: 1024, inbox: 1024, flush_window: Duration::ZERO });
    let topic = topics(1 << 20).get_or_create("bars", settings(&EVENTS));
    let (stream, _peer) = tokio::io::duplex(64);
    let transport = Arc::new(Transport::other(stream));
    let mut join = |_| {
        let handle = hub.open(Arc::clone(&transport));
        topic.join_events(&handle, &Start::default(), None);
        Subscription::new(&topic, &handle)
    };
    let subscriptions: Vec<Subscription> = (0..4).map(&mut join).collect();
    let check = |left: &[usize]| assert_eq!(topic.shard_counts(), left);
    check(&[2, 2]);
    let [first, second, third, fourth] = subscriptions.try_into().expect("the array has four subscriptions");
    drop(first);
    check(&[1, 2]);
    drop(third);
    check(&[2]);
    drop((second, fourth));
    check(&[]);
}

#[tokio::test(start_paused = true)]
async fn a_released_topic_keeps_its_epoch_for_the_retention_time() {
    let topics = topics(1 << 20);
    for (fragment, retention) in [(&EVENTS, 60), (&HISTORY, 120)] {
        let topic = topics.get_or_create(fragment.route, settings(fragment));
        topic.publish(b"{}").unwrap();
        let first = epoch(&topic);
        drop(topic);
        tokio::time::advance(Duration::from_secs(retention - 1)).await;
        let topic = topics.get_or_create(fragment.route, settings(fragment));
        assert_eq!(epoch(&topic), first);
        drop(topic);
        tokio::time::advance(Duration::from_secs(retention)).await;
        let topic = topics.get_or_create(fragment.route, settings(fragment));
        assert_ne!(epoch(&topic), first);
        drop(topic);
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_topic_is_removed_although_nobody_requests_one() {
    let topics = topics(1 << 20);
    let topic = topics.get_or_create("events", settings(&EVENTS));
    topic.publish(b"{}").unwrap();
    drop(topic);
    assert!(topics.get("events").is_some());
    tokio::time::advance(Duration::from_secs(61)).await;
    while topics.get("events").is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_nobody_used_is_not_retained() {
    let topics = topics(1 << 20);
    drop(topics.get_or_create("events", settings(&EVENTS)));
    assert!(topics.get("events").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_topic_released_longest_ago_is_evicted_when_the_budget_is_used_up() {
    let topics = topics(10_000);
    let names = ["a", "b", "c"];
    for name in names {
        let topic = topics.get_or_create(name, settings(&HISTORY));
        topic.publish(&[b'1'; 1000]).unwrap();
    }
    let used = topics.get_or_create("d", settings(&HISTORY));
    for (payload, left) in [(3000, 3), (2500, 2)] {
        used.publish(&vec![b'1'; payload]).unwrap();
        let live = names.iter().filter(|name| topics.get(name).is_some()).count();
        assert_eq!(live, left);
    }
    assert!(topics.get("a").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_nothing_can_restore_is_kept_and_an_update_beyond_the_budget_fails() {
    let topics = topics(5200);
    let topic = topics.get_or_create("latest", settings(&LATEST));
    topic.publish(&[b'1'; 3000]).unwrap();
    let first = epoch(&topic);
    drop(topic);
    tokio::time::advance(Duration::from_secs(3600)).await;
    let other = topics.get_or_create("other", settings(&LATEST));
    let error = other.publish(&[b'1'; 2000]).unwrap_err().to_string();
    assert!(error.contains("5200 bytes"), "{error}");
    assert!(other.publish(&[b'1'; 1000]).is_ok());
    // The value that an update replaces makes room.
    assert!(other.publish(&[b'2'; 1000]).is_ok());
    let topic = topics.get_or_create("latest", settings(&LATEST));
    assert_eq!(epoch(&topic), first);
}

#[tokio::test(start_paused = true)]
async fn a_history_gives_way_when_nothing_can_be_evicted() {
    let topics = topics(2000);
    let topic = topics.get_or_create("events", settings(&HISTORY));
    for _ in 0..10 {
        topic.publish(&[b'1'; 500]).unwrap();
    }
    let recover = |seq| {
        let position = crate::wire::Position { epoch: epoch(&topic), seq };
        Start { recover: Some(position), ..Start::default() }
    };
    let hub = Hub::new(1, Bounds { outbox: 1024, inbox: 1024, flush_window: Duration::ZERO });
    let handle = hub.open(Arc::new(Transport::other(tokio::io::duplex(64).0)));
    assert_eq!(topic.join_events(&handle, &recover(7), None).recovered, Some(true));
    assert_eq!(topic.join_events(&handle, &recover(6), None).recovered, Some(false));
}

#[tokio::test(start_paused = true)]
async fn an_evicted_topic_takes_no_memory_although_its_feed_lingers() {
    let topics = topics(5000);
    let topic = topics.get_or_create("hooked", TopicSettings { served: true, ..settings(&LATEST) });
    let hub = Hub::new(1, Bounds { outbox: 1024, inbox: 1024, flush_window: Duration::ZERO });
    let handle = hub.open(Arc::new(Transport::other(tokio::io::duplex(64).0)));
    topic.join_state(&handle);
    let subscription = Subscription::new(&topic, &handle);
    let feed = topic.feed.as_ref().expect("a served topic has a feed");
    feed.ensure(async { Ok::<_, ()>(Feed::none()) }).await.unwrap();
    topic.fill(Loaded::Value(Some(vec![b'1'; 3000].into()))).unwrap();
    drop((subscription, topic));
    let other = topics.get_or_create("other", settings(&LATEST));
    assert!(other.publish(&[b'1'; 4000]).is_ok());
    assert!(topics.get("hooked").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_value_that_a_hook_can_restore_is_evicted_although_it_was_published_before_the_hook_ran() {
    let topics = topics(6000);
    let hooked = TopicSettings { served: true, ..settings(&LATEST) };
    let publish = |name: &str, bytes: usize| topics.get_or_create(name, hooked).publish(&vec![b'1'; bytes]);
    publish("a", 1500).unwrap();
    publish("b", 1500).unwrap();
    // Whether the application implements the hook is unknown.
    assert!(publish("c", 4000).is_err());
    topics.get_or_create("d", hooked).fill(Loaded::Value(None)).unwrap();
    assert!(publish("c", 4000).is_ok());
    tokio::time::advance(Duration::from_secs(61)).await;
    for name in ["a", "b", "c", "d"] {
        assert!(!topics.get_or_create(name, hooked).is_known());
    }
}

#[tokio::test]
async fn the_budget_bounds_the_number_of_topics_that_are_kept() {
    let topics = topics(10_000);
    let publish = |at: usize| topics.get_or_create(&format!("{at}"), settings(&LATEST)).publish(b"1");
    assert!((0..5).all(|at| publish(at).is_ok()));
    assert!((5..20).any(|at| publish(at).is_err()));
    // A topic that is used counts its content only.
    let _used: Vec<_> = (0..5).map(|at| topics.get_or_create(&format!("{at}"), settings(&LATEST))).collect();
    assert!(publish(20).is_ok());
}
