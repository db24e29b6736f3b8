//! Operations, pushes and pings of the real server.

use topicast_client::{Item, RequestError, Status};
use topicast_tests::channels::{Notice, Order, PlaceOrder, notice_me, place_order};

use crate::harness::{TestServer, eager, next, soon};

fn order(symbol: &str) -> PlaceOrder {
    PlaceOrder { symbol: symbol.to_owned(), quantity: 7 }
}

#[tokio::test]
async fn a_request_has_a_typed_reply() {
    let server = TestServer::start();
    // The client has no connection yet, so the request waits for one.
    let client = eager(&server.url()).build().unwrap();
    assert_eq!(soon(client.request::<Order>("orders.place", &order("A"))).await, Ok(Order { number: 7 }));
    let Err(RequestError::Refused(refusal)) = soon(client.request::<Order>("orders.place", &order("HALT"))).await
    else {
        panic!("the market is closed")
    };
    assert_eq!((refusal.code(), refusal.is_retryable()), ("market_closed", false));
    let error = soon(client.request::<Notice>("orders.place", &order("A"))).await.unwrap_err();
    assert!(matches!(error, RequestError::Unreadable(what) if what.payload == r#"{"number":7}"#));
}

#[tokio::test]
async fn an_operation_is_typed_by_its_declaration() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    assert_eq!(soon(client.call::<place_order>(&order("A"))).await, Ok(Order { number: 7 }));
    let refused = soon(client.call::<place_order>(&order("HALT"))).await.unwrap_err();
    assert!(matches!(refused, RequestError::Refused(refusal) if refusal.code() == "market_closed"));
    // Neither a payload nor a reply.
    let mut notices = client.pushes::<Notice>();
    soon(client.call::<notice_me>(&())).await.unwrap();
    assert!(matches!(next(&mut notices).await, Item::Status(Status::Live)));
}

#[tokio::test]
async fn a_handler_that_fails_leaves_the_outcome_unknown() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let error = soon(client.request::<Order>("orders.place", &order("PANIC"))).await.unwrap_err();
    assert!(error.is_unknown(), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(soon(client.request::<Order>("orders.place", &order("A"))).await, Ok(Order { number: 7 }));
}

#[tokio::test]
async fn faults_are_reported_under_both_profiles_and_not_repeated() {
    for profile in [topicast::Profile::modern(), topicast::compat::fastws()] {
        let server = TestServer::build(|builder| builder.profile(profile));
        let client = eager(&server.url()).build().unwrap();
        let Err(RequestError::Fault(fault)) = soon(client.request::<Order>("orders.place", &1)).await else {
            panic!("1 is no order")
        };
        assert_eq!(fault.code(), "invalid");
        let Err(RequestError::Fault(fault)) = soon(client.send("no.such", &())).await else {
            panic!("no such operation")
        };
        assert_eq!(fault.code(), "unknown_type");
        assert_eq!(soon(client.request::<Order>("orders.place", &order("A"))).await, Ok(Order { number: 7 }));
    }
}

#[tokio::test]
async fn pushes_are_a_stream_of_their_type() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut notices = client.pushes::<Notice>();
    soon(client.send("notice.me", &())).await.unwrap();
    assert!(matches!(next(&mut notices).await, Item::Status(Status::Live)));
    assert!(matches!(next(&mut notices).await, Item::Update(notice) if notice.text == "you asked"));
    server.ws.push(&Notice { text: "all".into() }).unwrap();
    assert!(matches!(next(&mut notices).await, Item::Update(notice) if notice.text == "all"));
}

#[tokio::test]
async fn times_may_be_as_long_as_one_likes() {
    let (server, forever) = (TestServer::start(), std::time::Duration::MAX);
    let client = eager(&server.url())
        .backoff(topicast_client::Backoff { base: forever, cap: forever, stable: forever })
        .connect_timeout(forever)
        .request_timeout(forever)
        .heartbeat(forever)
        .silence(forever)
        .build()
        .unwrap();
    let mut notices = client.pushes::<Notice>();
    soon(client.ping()).await.unwrap();
    server.ws.sessions()[0].close(topicast::CloseCode::GOING_AWAY, "");
    let stale = |item| if let Item::Status(Status::Stale(why)) = item { Some(why) } else { None };
    crate::harness::until(&mut notices, stale).await;
    assert!(matches!(client.connection(), topicast_client::Connection::Waiting { .. }));
}

#[tokio::test]
async fn a_ping_measures_the_way_there_and_back() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let latency = soon(client.ping()).await.unwrap();
    assert!(latency > std::time::Duration::ZERO && latency < std::time::Duration::from_secs(60));
}
