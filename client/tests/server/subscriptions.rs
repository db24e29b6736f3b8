//! Subscriptions to the real server: shared, refused, faulty, with a snapshot, too slow.

use std::time::Duration;

use futures_util::StreamExt;
use topicast::{Limits, compat};
use topicast_client::{Buffering, Gap, GapCause, Item, Overflow, Refusal, RequestError, Status};
use topicast_tests::channels::{Bar, Executions, Order, Orders};

use crate::harness::{TestServer, bars, eager, next, soon, until};

/// A channel as declared by a client that was built against other declarations.
#[topicast::ws_router(route = "bars", update = Bar)]
struct Misfit {
    symbol: u32,
}

/// A channel that the server does not have.
#[topicast::ws_router(route = "nothing", update = Bar)]
struct Nothing {}

fn orders(account: &str) -> Orders {
    Orders { account_id: account.to_owned() }
}

#[tokio::test]
async fn many_listeners_are_one_subscription() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut streams: Vec<_> = (0..10).map(|_| client.clone().subscribe(&bars("A")).unwrap()).collect();
    let mut alone = client.subscribe(&bars("B")).unwrap();
    for stream in &mut streams {
        soon(stream.ready()).await.unwrap();
        assert_eq!(next(stream).await, Item::Status(Status::Live));
    }
    let topic = server.topic("A");
    assert_eq!((topic.subscribers(), topic.name()), (1, streams[0].topic()));
    for time in 0..3 {
        topic.publish(&Bar { time, close: 0.0 }).unwrap();
        for stream in &mut streams {
            assert_eq!(next(stream).await, Item::Update(Bar { time, close: 0.0 }));
        }
    }
    streams.truncate(1);
    soon(client.ping()).await.unwrap();
    assert_eq!(topic.subscribers(), 1);
    drop(streams);
    soon(client.ping()).await.unwrap();
    assert_eq!(topic.subscribers(), 0);
    soon(alone.ready()).await.unwrap();
}

#[tokio::test]
async fn a_snapshot_comes_before_the_updates_and_again_where_the_server_does_not_recover() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut stream = client.subscribe(&orders("me")).unwrap();
    let topic = server.ws.publisher::<Orders>().unwrap().topic(&orders("me")).unwrap();
    let live = Item::Status(Status::Live);
    assert_eq!(next(&mut stream).await, live);
    assert_eq!(next(&mut stream).await, Item::Snapshot(Order { number: 0 }));
    topic.publish(&Order { number: 1 }).unwrap();
    assert_eq!(next(&mut stream).await, Item::Update(Order { number: 1 }));
    assert_eq!(stream.current().unwrap(), Some(Order { number: 1 }));
    let cut = || server.ws.sessions()[0].close(topicast::CloseCode::GOING_AWAY, "");

    // Nothing is missed, so the state is still valid.
    cut();
    until(&mut stream, |item| (item == live).then_some(())).await;
    topic.publish(&Order { number: 2 }).unwrap();
    assert_eq!(next(&mut stream).await, Item::Update(Order { number: 2 }));

    // The channel has no history.
    cut();
    topic.publish(&Order { number: 3 }).unwrap();
    until(&mut stream, |item| (item == live).then_some(())).await;
    assert_eq!(next(&mut stream).await, Item::Gap(Gap { missed: Some(1), cause: GapCause::Away }));
    assert_eq!(next(&mut stream).await, Item::Snapshot(Order { number: 0 }));
}

#[tokio::test]
async fn refusals_are_typed_and_those_for_now_are_retried() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut later = client.subscribe(&orders("later")).unwrap();
    for _ in 0..2 {
        let Item::Refused(refusal) = next(&mut later).await else { panic!("a refusal") };
        assert_eq!(refusal, Refusal::rate_limited("not so fast", Duration::from_millis(1500)));
        assert_eq!(later.status(), Status::Retrying(refusal));
    }
}

#[tokio::test]
async fn a_subscription_that_the_server_ends_is_asked_for_again_or_over() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    soon(stream.ready()).await.unwrap();
    assert_eq!(next(&mut stream).await, Item::Status(Status::Live));
    let end = |why: &Refusal| assert!(server.ws.sessions()[0].end_subscription(server.topic("A").name(), why));
    let for_now = Refusal::unavailable("a moment");
    end(&for_now);
    assert_eq!(next(&mut stream).await, Item::Ended(for_now));
    until(&mut stream, |item| (item == Item::Status(Status::Live)).then_some(())).await;
    let for_good = Refusal::forbidden("no more");
    end(&for_good);
    until(&mut stream, |item| (item == Item::Ended(for_good.clone())).then_some(())).await;
    assert_eq!(soon(stream.next()).await, None);
    assert_eq!(soon(stream.ready()).await, Err(RequestError::Refused(for_good)));
}

#[tokio::test]
async fn a_fault_is_asked_once_and_the_others_go_on() {
    for profile in [topicast::Profile::modern(), compat::fastws()] {
        let server = TestServer::build(|builder| builder.profile(profile));
        let client = eager(&server.url()).build().unwrap();
        let mut first = client.subscribe(&bars("A")).unwrap();
        let mut misfit = client.subscribe(&Misfit { symbol: 1 }).unwrap();
        let mut nothing = client.subscribe(&Nothing {}).unwrap();
        let mut last = client.subscribe(&bars("B")).unwrap();
        for (stream, code) in [(soon(misfit.next()).await, "invalid"), (soon(nothing.next()).await, "unknown_type")] {
            assert!(matches!(&stream, Some(Item::Refused(why)) if why.code() == code), "{stream:?}");
        }
        assert_eq!((soon(misfit.next()).await, soon(nothing.next()).await), (None, None));
        // The other two stay subscribed: the client repeats nothing that ends the connection.
        let live = async {
            while server.topic("A").subscribers() + server.topic("B").subscribers() < 2 {
                tokio::task::yield_now().await;
            }
        };
        soon(live).await;
        let events = client.events();
        for _ in 0..20 {
            soon(client.ping()).await.unwrap();
        }
        soon(first.ready()).await.unwrap();
        soon(last.ready()).await.unwrap();
        client.close();
        let seen: Vec<_> = soon(events.collect::<Vec<_>>()).await;
        assert_eq!(seen.len(), 1, "{seen:?}");
    }
}

#[tokio::test]
async fn a_panicking_hook_costs_its_own_subscription_only() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut poison = client.subscribe(&orders("panic")).unwrap();
    let mut good = client.subscribe(&bars("A")).unwrap();
    assert!(matches!(next(&mut poison).await, Item::Refused(why) if why.code() == "internal" && why.is_retryable()));
    drop(poison);
    soon(good.ready()).await.unwrap();
}

#[tokio::test]
async fn a_slow_reader_learns_what_it_lost_and_others_are_not_affected() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let buffering = |overflow| Buffering { capacity: 10, overflow };
    let mut newest = client.subscribe_with(&bars("A"), buffering(Overflow::DropOldest)).unwrap();
    let mut oldest = client.subscribe_with(&bars("A"), buffering(Overflow::DropNewest)).unwrap();
    let mut quick = client.subscribe(&bars("A")).unwrap();
    soon(quick.ready()).await.unwrap();
    let topic = server.topic("A");
    assert_eq!(next(&mut quick).await, Item::Status(Status::Live));
    for time in 0..100 {
        topic.publish(&Bar { time, close: 0.0 }).unwrap();
        assert_eq!(next(&mut quick).await, Item::Update(Bar { time, close: 0.0 }));
    }
    assert_eq!(next(&mut newest).await, Item::Lagged(Some(90)));
    assert_eq!(next(&mut newest).await, Item::Status(Status::Live));
    assert_eq!(next(&mut newest).await, Item::Update(Bar { time: 90, close: 0.0 }));
    assert_eq!(next(&mut oldest).await, Item::Status(Status::Live));
    for time in 0..9 {
        assert_eq!(next(&mut oldest).await, Item::Update(Bar { time, close: 0.0 }));
    }
    assert_eq!(next(&mut oldest).await, Item::Lagged(Some(91)));
}

#[tokio::test]
async fn a_limit_of_the_server_is_a_refusal() {
    let server = TestServer::build(|builder| builder.limits(Limits { subscriptions: 1, ..Limits::default() }));
    let client = eager(&server.url()).build().unwrap();
    let mut one = client.subscribe(&bars("A")).unwrap();
    soon(one.ready()).await.unwrap();
    let mut two = client.subscribe(&bars("B")).unwrap();
    let Err(RequestError::Refused(refusal)) = soon(two.ready()).await else { panic!("a refusal") };
    assert_eq!(refusal.code(), "too_many_subscriptions");
}

#[tokio::test]
async fn what_is_no_update_is_an_item_and_not_the_end() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    soon(stream.ready()).await.unwrap();
    let topic = server.topic("A");
    topic.publish_raw(&serde_json::value::RawValue::from_string("\"nonsense\"".into()).unwrap()).unwrap();
    topic.publish(&Bar { time: 1, close: 0.0 }).unwrap();
    assert_eq!(next(&mut stream).await, Item::Status(Status::Live));
    let Item::Unreadable(what) = next(&mut stream).await else { panic!("it is no bar") };
    assert_eq!(what.payload, "\"nonsense\"");
    assert_eq!(next(&mut stream).await, Item::Update(Bar { time: 1, close: 0.0 }));
}

#[tokio::test]
async fn a_request_without_a_topic_is_an_error_at_once() {
    let client = eager("ws://127.0.0.1:1/").build().unwrap();
    let request = Executions { account_id: "A".into(), symbol: Some(String::new()) };
    let error = client.subscribe(&request).unwrap_err();
    assert!(error.is_request(), "{error}");
}
