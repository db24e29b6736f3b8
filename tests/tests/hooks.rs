//! Hooks and handlers that hang: the client receives an answer, and no other client waits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use topicast::{
    Builder, Cx, Feed, Handshake, Limits, Refusal, Rejection, Server, Topic,
    testing::{Client, Clock, Connect},
};

/// A number.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The number.
    pub number: u32,
}

/// A channel one of whose hooks hangs.
#[topicast::ws_router(route = "ticks", update = Tick, served)]
#[derive(Debug, Clone)]
pub struct Ticks {
    /// The hook: `authorize`, `feed`, `snapshot` or none of them.
    pub hook: String,
}

/// Controls the hooks and counts their calls.
#[derive(Debug, Default)]
pub struct App {
    /// True if the hooks complete.
    answers: AtomicBool,
    /// The number of calls of `feed`.
    feeds_asked: AtomicUsize,
    /// The number of hooks and feeds that exist.
    alive: Arc<AtomicUsize>,
}

struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl App {
    fn alive(&self) -> Alive {
        self.alive.fetch_add(1, Ordering::SeqCst);
        Alive(Arc::clone(&self.alive))
    }

    async fn hang_at(&self, hook: &str, hangs: &str) {
        if hook == hangs && !self.answers.load(Ordering::SeqCst) {
            let _alive = self.alive();
            pending::<()>().await;
        }
    }
}

impl topicast::Serve<Arc<App>> for Ticks {
    async fn authorize(&self, cx: &Cx<'_, Arc<App>>) -> Result<(), Refusal> {
        cx.state().hang_at("authorize", &self.hook).await;
        Ok(())
    }

    async fn snapshot(&self, cx: &Cx<'_, Arc<App>>) -> Result<Option<Tick>, Refusal> {
        cx.state().hang_at("snapshot", &self.hook).await;
        Ok(Some(Tick { number: 0 }))
    }

    async fn feed(&self, cx: &Cx<'_, Arc<App>>, topic: Topic<Self>) -> Result<Feed, Refusal> {
        cx.state().feeds_asked.fetch_add(1, Ordering::SeqCst);
        let alive = cx.state().alive();
        // A partly started feed: it already publishes while the rest of the start hangs.
        let feed = Feed::task(async move {
            let _alive = alive;
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            for number in 1.. {
                seconds.tick().await;
                topic.publish(&Tick { number }).unwrap();
            }
        });
        cx.state().hang_at("feed", &self.hook).await;
        Ok(feed)
    }
}

/// Answers after the number of seconds in its payload.
///
/// # Errors
/// Never.
#[topicast::ws_operation("wait", reply = "wait.response")]
pub async fn wait(cx: &Cx<'_, Arc<App>>, seconds: Tick) -> Result<Tick, Refusal> {
    let _alive = cx.state().alive();
    let time = Duration::from_secs(seconds.number.into());
    let _ = tokio::time::timeout(time, pending::<()>()).await;
    Ok(seconds)
}

fn builder(app: &Arc<App>) -> Builder<Arc<App>> {
    Server::builder("Test", "1.0.0")
        .state(Arc::clone(app))
        .channels(topicast::channels![Arc<App>; Ticks])
        .operations(topicast::operations![Arc<App>; wait])
}

fn server() -> (Server, Arc<App>) {
    let app = Arc::<App>::default();
    (builder(&app).build().unwrap(), app)
}

fn unlimited() -> Limits {
    Limits { handler_timeout: None, ..Limits::default() }
}

/// Returns the next message, or `None` after the limit.
async fn within(client: &mut Client, time: Duration) -> Option<Value> {
    tokio::time::timeout(time, client.message()).await.ok()
}

fn assert_internal(reply: &Value) {
    let payload = &reply["payload"];
    assert_eq!((&payload["status"], &payload["code"]), (&json!("error"), &json!("internal")), "{reply}");
    assert_eq!(payload["retryable"], true, "{reply}");
}

const ALMOST: Duration = Duration::from_millis(9_900);
const A_BIT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn an_operation_that_hangs_is_refused_once_and_the_next_is_answered() {
    let clock = Clock::pause();
    let app = Arc::<App>::default();
    let ws = builder(&app).heartbeat(None).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.send(&json!({ "type": "wait", "id": 1, "payload": { "number": 15 } })).await;
    client.send(&json!({ "type": "wait", "id": 2, "payload": { "number": 9 } })).await;
    assert_eq!(within(&mut client, ALMOST).await, None);
    let reply = within(&mut client, A_BIT).await.unwrap();
    assert_eq!((&reply["type"], &reply["id"]), (&json!("wait.response"), &json!(1)));
    assert_internal(&reply);
    assert_eq!(client.message().await["id"], 2);
    assert_eq!(app.alive.load(Ordering::SeqCst), 0);
    clock.advance(Duration::from_secs(60)).await;
    assert_eq!(client.settled().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_subscribe_whose_hook_hangs_is_refused_and_leaves_nothing_behind() {
    let clock = Clock::pause();
    for hook in ["authorize", "feed", "snapshot"] {
        let app = Arc::<App>::default();
        let ws = builder(&app).heartbeat(None).build().unwrap();
        let mut client = Client::connect(&ws).await.unwrap();
        client.send(&json!({ "type": "ticks.subscribe", "id": 1, "payload": { "hook": hook } })).await;
        assert_eq!(within(&mut client, ALMOST).await, None, "{hook}");
        let reply = within(&mut client, A_BIT).await.unwrap();
        assert_eq!((&reply["id"], &reply["payload"]["hook"]), (&json!(1), &json!(hook)));
        assert_internal(&reply);
        // The hook and the subscription have ended, and the feed ends after the retention time.
        clock.advance(Duration::from_secs(61)).await;
        assert_eq!(client.settled().await, Vec::<Value>::new(), "{hook}");
        assert_eq!((ws.topics(), app.alive.load(Ordering::SeqCst)), (vec![], 0), "{hook}");

        app.answers.store(true, Ordering::SeqCst);
        let request = Ticks { hook: hook.to_owned() };
        client.subscribe(&request).await;
        assert_eq!(client.message().await["type"], "ticks.snapshot", "{hook}");
        assert_eq!(client.message().await["type"], "ticks.update", "{hook}");
    }
}

#[tokio::test]
async fn a_feed_whose_start_hangs_is_half_made_for_nobody() {
    let clock = Clock::pause();
    let (ws, app) = server();
    let mut first = Client::connect(&ws).await.unwrap();
    let mut second = Client::connect(&ws).await.unwrap();
    let subscribe = json!({ "type": "ticks.subscribe", "payload": { "hook": "feed" } });
    first.send(&subscribe).await;
    clock.advance(Duration::from_secs(5)).await;
    // It waits for the start of the first feed, and then starts its own.
    second.send(&subscribe).await;
    clock.advance(Duration::from_secs(4)).await;
    app.answers.store(true, Ordering::SeqCst);
    assert_eq!(app.feeds_asked.load(Ordering::SeqCst), 1);
    assert_internal(&first.message().await);
    let reply = second.message().await;
    assert_eq!(reply["payload"]["status"], "ok", "{reply}");
    assert_eq!(app.feeds_asked.load(Ordering::SeqCst), 2);
    assert_eq!(second.message().await["type"], "ticks.snapshot");
    // One feed publishes from now on. The updates of the partly started one precede it.
    assert_eq!(app.alive.load(Ordering::SeqCst), 1);
    let (mut seq, mut number) = (reply["seq"].as_u64().unwrap(), 0);
    while number < 5 {
        let update = second.message().await;
        seq += 1;
        assert_eq!(update["seq"], seq);
        if number > 0 || update["payload"]["number"] == 1 {
            number += 1;
            assert_eq!(update["payload"]["number"], number);
        }
    }
}

#[tokio::test]
async fn waiting_for_a_feed_that_another_starts_is_limited_too() {
    let clock = Clock::pause();
    let (ws, _) = server();
    let subscribe = json!({ "type": "ticks.subscribe", "payload": { "hook": "feed" } });
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(&ws).await.unwrap();
        client.send(&subscribe).await;
        clients.push(client);
    }
    clock.advance(ALMOST + A_BIT).await;
    for client in &mut clients {
        assert_internal(&within(client, Duration::ZERO).await.unwrap());
    }
}

#[tokio::test]
async fn the_heartbeat_and_the_lifespan_go_on_while_a_handler_hangs() {
    let clock = Clock::pause();
    for waiting in [0, 1000] {
        let limits = [(Some(30), Some(3600), 31), (None, Some(60), 61)];
        for (heartbeat, lifespan, ends) in limits {
            let seconds = |limit: Option<u64>| limit.map(Duration::from_secs);
            let app = Arc::<App>::default();
            let builder = builder(&app).limits(unlimited()).heartbeat(seconds(heartbeat)).lifespan(seconds(lifespan));
            let ws = builder.build().unwrap();
            let mut client = Client::connect(&ws).await.unwrap();
            client.send(&json!({ "type": "wait", "payload": { "number": 1_000_000 } })).await;
            // Enough that the server stops reading until the handler has answered.
            for _ in 0..waiting {
                client.send_text(r#"{"type":"ping"}"#).await;
            }
            clock.advance(Duration::from_secs(ends - 2)).await;
            assert_eq!(ws.connections(), 1);
            clock.advance(Duration::from_secs(3)).await;
            assert_eq!(client.closed().await.code, 1003, "{heartbeat:?} {lifespan:?} {waiting}");
            assert_eq!(app.alive.load(Ordering::SeqCst), 0);
        }
    }
}

#[tokio::test]
async fn a_close_drops_the_handler_that_hangs() {
    let _clock = Clock::pause();
    let app = Arc::<App>::default();
    let ws = builder(&app).limits(unlimited()).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    client.send(&json!({ "type": "ticks.subscribe", "payload": { "hook": "snapshot" } })).await;
    while app.alive.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    ws.shutdown().await;
    assert_eq!(client.closed().await.code, 1001);
    assert_eq!(ws.topics(), []);
}

async fn hang(_: Handshake<Arc<App>>) -> Result<(), Rejection> {
    pending().await
}

#[tokio::test]
async fn an_authentication_that_hangs_is_refused_with_503() {
    let _clock = Clock::pause();
    let ws = builder(&Arc::default()).authenticate(hang).build().unwrap();
    let mut opening = Box::pin(Connect::new(&ws).open());
    assert!(tokio::time::timeout(ALMOST, &mut opening).await.is_err());
    let rejection = tokio::time::timeout(A_BIT, opening).await.unwrap().unwrap_err();
    assert_eq!((rejection.status().as_u16(), rejection.to_string().contains("unavailable")), (503, true));
}

#[tokio::test]
async fn a_shutdown_ends_at_its_deadline_though_an_authentication_hangs() {
    let _clock = Clock::pause();
    async fn sometimes(handshake: Handshake<Arc<App>>) -> Result<(), Rejection> {
        if handshake.uri().path() == "/hang" { pending().await } else { Ok(()) }
    }
    let ws = builder(&Arc::default()).limits(unlimited()).authenticate(sometimes).build().unwrap();
    let mut client = Client::connect(&ws).await.unwrap();
    let mut opening = Box::pin(Connect::new(&ws).uri("/hang".parse().unwrap()).open());
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut opening).await.is_err());
    let began = tokio::time::Instant::now();
    let (closed, ()) = tokio::join!(client.closed(), ws.shutdown());
    assert_eq!(closed.code, 1001);
    // The close timeout and a second.
    assert_eq!(began.elapsed().as_secs(), 6);
}

#[tokio::test]
async fn a_limit_of_zero_is_refused() {
    let limits = Limits { handler_timeout: Some(Duration::ZERO), ..Limits::default() };
    let error = builder(&Arc::default()).limits(limits).build().unwrap_err();
    assert!(error.to_string().contains("handler_timeout is zero"), "{error}");
}
