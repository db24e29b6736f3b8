//! Every way a server can end a connection: each has a cause, and the client reconnects.

use std::time::Duration;

use topicast::{CloseCode, Rejection, compat};
use topicast_client::{Cause, Client, Connection, Disconnect, Event, GapCause, Item, RequestError, Status};
use topicast_tests::channels::{Bar, User};

use crate::{
    harness::{TestServer, bars, eager, next, soon, until, url},
    proxy::{Fate, Proxy},
};

/// How the next connection ends.
async fn disconnect(events: &mut topicast_client::Events) -> Disconnect {
    until(events, |event| match event {
        Event::Connection(Connection::Waiting { why, .. }) => Some(why),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn every_code_has_a_name_and_the_subscription_comes_back() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    soon(stream.ready()).await.unwrap();
    let (mut events, topic) = (client.events(), server.topic("A"));
    let application = CloseCode::application(4321).unwrap();
    for (time, (code, cause)) in [
        (CloseCode::NORMAL, Cause::Normal),
        (CloseCode::GOING_AWAY, Cause::GoingAway),
        (CloseCode::UNSUPPORTED, Cause::Fault),
        (CloseCode::TOO_BIG, Cause::TooBig),
        (CloseCode::INTERNAL, Cause::ServerFailed),
        (CloseCode::TRY_AGAIN_LATER, Cause::TooSlow),
        (application, Cause::Application(4321)),
    ]
    .into_iter()
    .enumerate()
    {
        server.ws.sessions()[0].close(code, "because");
        let why = disconnect(&mut events).await;
        assert_eq!((why.cause, why.code, &*why.reason), (cause, Some(code.get()), "because"));
        let stale = until(&mut stream, |item| match item {
            Item::Status(Status::Stale(why)) => Some(why),
            _ => None,
        });
        assert_eq!(stale.await, why);
        until(&mut stream, |item| (item == Item::Status(Status::Live)).then_some(())).await;
        let bar = Bar { time: i64::try_from(time).unwrap(), close: 1.0 };
        topic.publish(&bar).unwrap();
        assert_eq!(next(&mut stream).await, Item::Update(bar));
    }
}

#[tokio::test]
async fn time_limits_are_reported_and_the_client_pings_sooner() {
    let server = TestServer::build(|builder| {
        builder.profile(compat::fastws()).heartbeat(Some(Duration::from_millis(1_500))).lifespan(None)
    });
    let client = eager(&server.url()).build().unwrap();
    let mut events = client.events();
    let why = disconnect(&mut events).await;
    assert_eq!((why.cause, why.code), (Cause::TimeLimit, Some(1003)));
    // On the second connection the client pings once a second, the shortest interval that a
    // server can impose, so this one lasts.
    let mut latencies = 0;
    while latencies < 3 {
        soon(client.ping()).await.unwrap();
        while client.latency().is_none() {
            tokio::task::yield_now().await;
        }
        latencies += 1;
    }
    assert_eq!(client.connection(), Connection::Live);
}

#[tokio::test]
async fn what_is_too_big_is_not_sent_again() {
    let server = TestServer::start();
    let client = eager(&server.url()).build().unwrap();
    let mut well = client.subscribe(&bars("A")).unwrap();
    soon(well.ready()).await.unwrap();
    let mut events = client.events();
    let large = "A".repeat(100_000);
    let mut refused = client.subscribe(&bars(&large)).unwrap();
    assert_eq!(disconnect(&mut events).await.cause, Cause::TooBig);
    let Err(RequestError::Refused(why)) = soon(refused.ready()).await else { panic!("it was refused") };
    assert_eq!((why.code(), why.is_retryable()), ("too_big", false));

    soon(well.ready()).await.unwrap();
    let error = soon(client.request::<()>("orders.place", &large)).await.unwrap_err();
    assert!(matches!(&error, RequestError::Fault(why) if why.code() == "too_big"), "{error}");
    soon(well.ready()).await.unwrap();
    soon(client.ping()).await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_found_again() {
    let server = TestServer::start();
    let proxy = Proxy::start(server.address).await;
    let client = eager(&url(proxy.address)).build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    soon(stream.ready()).await.unwrap();
    let bar = |time| Bar { time, close: 0.0 };
    server.topic("A").publish(&bar(1)).unwrap();
    assert_eq!(until(&mut stream, |item| matches!(item, Item::Update(_)).then_some(item)).await, Item::Update(bar(1)));
    let mut events = client.events();
    drop(server);
    assert_eq!(disconnect(&mut events).await.cause, Cause::Lost);
    assert_eq!(stream.current().unwrap(), Some(bar(1)), "what is stale is still there");
    let server = TestServer::start();
    let topic = server.topic("A");
    topic.publish(&bar(2)).unwrap();
    proxy.set_target(server.address);
    let gap = until(&mut stream, |item| match item {
        Item::Gap(gap) => Some(gap),
        _ => None,
    });
    assert_eq!(gap.await.cause, GapCause::NewEpoch);
    topic.publish(&bar(3)).unwrap();
    assert_eq!(next(&mut stream).await, Item::Update(bar(3)));
}

#[tokio::test]
async fn a_half_open_connection_is_noticed() {
    let server = TestServer::start();
    let mut proxy = Proxy::start(server.address).await;
    proxy.set(Fate::Silent { after: 600 });
    let millis = Duration::from_millis;
    let client = eager(&url(proxy.address)).heartbeat(millis(40)).silence(millis(40)).build().unwrap();
    let mut events = client.events();
    soon(proxy.connected(1)).await;
    proxy.set(Fate::Whole);
    assert_eq!(disconnect(&mut events).await.cause, Cause::Silent);
    until(&mut events, |event| (event == Event::Connection(Connection::Live)).then_some(())).await;
}

#[tokio::test]
async fn a_refused_handshake_is_reported_and_the_token_is_requested_again() {
    let server = TestServer::build(|builder| {
        builder.authenticate(async |handshake| match handshake.headers().get("authorization") {
            Some(token) if token == "Bearer 3" => Ok(User("me")),
            _ => Err(Rejection::unauthorized("the token has expired")),
        })
    });
    let attempts = std::sync::atomic::AtomicU32::new(0);
    let client = eager(&server.url())
        .token_provider(move || {
            let attempt = attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            std::future::ready(if attempt == 1 { Err("no token yet") } else { Ok(attempt.to_string()) })
        })
        .build()
        .unwrap();
    let mut events = client.events();
    let why = disconnect(&mut events).await;
    assert_eq!((why.cause, &*why.reason), (Cause::NoToken, "no token yet"));
    let why = disconnect(&mut events).await;
    assert_eq!((why.cause, &*why.reason), (Cause::Rejected(401), "unauthorized: the token has expired"));
    soon(client.ping()).await.unwrap();

    let error = Client::connect(&server.url()).await.unwrap_err();
    assert_eq!(error.disconnect().unwrap().cause, Cause::Rejected(401));
}

#[tokio::test]
async fn a_token_that_is_refused_twice_ends_the_client_with_an_error() {
    let server = TestServer::build(|builder| {
        builder.authenticate(async |_| Err::<User, _>(Rejection::unauthorized("the token is not ours")))
    });
    let client = eager(&server.url()).token("wrong").build().unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    let mut events = client.events();
    assert_eq!(disconnect(&mut events).await.cause, Cause::Rejected(401));
    let Err(RequestError::Refused(why)) = soon(stream.ready()).await else { panic!("it was refused") };
    assert_eq!((why.code(), why.message()), ("unauthenticated", "unauthorized: the token is not ours"));
    assert!(matches!(client.connection(), Connection::Stopped(why) if why.cause == Cause::Rejected(401)));
    assert!(client.subscribe(&bars("A")).unwrap_err().is_closed());
}

#[tokio::test]
async fn nobody_there_is_an_error_of_connect() {
    let address = {
        let server = TestServer::start();
        server.address
    };
    // The port is free again once the killed server has closed its socket.
    let error = loop {
        match soon(Client::connect(&url(address))).await {
            Err(error) => break error,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert!(matches!(error.disconnect().unwrap().cause, Cause::Unreachable | Cause::Lost));
}

#[tokio::test]
async fn closing_says_goodbye() {
    let server = TestServer::start();
    let client = Client::connect(&server.url()).await.unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    soon(stream.ready()).await.unwrap();
    client.close();
    let rest = soon(async {
        use futures_util::StreamExt;
        while let Some(item) = stream.next().await {
            assert_eq!(item, Item::Status(Status::Live));
        }
    });
    rest.await;
    assert_eq!((stream.status(), client.connection()), (Status::Closed, Connection::Closed));
    assert!(matches!(client.ping().await, Err(RequestError::NotSent(_))));
    assert!(client.subscribe(&bars("A")).unwrap_err().is_closed());
    soon(async {
        while server.ws.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_handle_closes_the_client_and_a_subscription_is_one() {
    let server = TestServer::start();
    let client = Client::connect(&server.url()).await.unwrap();
    let mut stream = client.subscribe(&bars("A")).unwrap();
    drop(client);
    soon(stream.ready()).await.unwrap();
    assert_eq!(server.ws.connections(), 1);
    drop(stream);
    soon(async {
        while server.ws.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
