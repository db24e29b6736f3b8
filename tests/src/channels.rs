//! Declarations that are typical of applications, and a server that lists them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use topicast::{Builder, Cx, Feed, Refusal, Server, Topic};

/// One bar.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Start, in milliseconds.
    pub time: i64,
    /// Price of the last trade.
    pub close: f64,
}

/// Length of a bar.
#[topicast::data]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resolution {
    /// A minute.
    #[default]
    #[serde(rename = "1")]
    M1,
    /// A day.
    #[serde(rename = "D")]
    Day,
}

/// Bars that the application publishes.
#[topicast::ws_router(route = "bars", update = Bar, tags = ["datafeed"])]
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// Ticker.
    pub symbol: String,
    /// Length of a bar.
    #[serde(default)]
    pub resolution: Resolution,
}

/// Executions of an account, of one symbol or of all.
#[topicast::ws_router(route = "executions", update = Bar)]
#[serde(rename_all = "camelCase")]
#[derive(Debug, Clone)]
pub struct Executions {
    /// The account.
    #[serde(alias = "account")]
    pub account_id: String,
    /// A symbol; all of them if absent.
    pub symbol: Option<String>,
}

/// Whether the market is open.
#[topicast::ws_router(route = "status", update = MarketStatus)]
#[derive(Debug, Clone)]
pub struct Status {}

/// The market's state.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct MarketStatus {
    /// Whether it is open.
    pub open: bool,
}

/// Orders of an account. Only the owner may subscribe, and subscribers start with a snapshot.
#[topicast::ws_router(route = "orders", update = Order, served)]
#[serde(rename_all = "camelCase")]
#[derive(Debug, Clone)]
pub struct Orders {
    /// The account.
    pub account_id: String,
}

/// An order.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its number.
    pub number: u32,
}

/// A placed order.
#[topicast::data]
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOrder {
    /// Ticker.
    pub symbol: String,
    /// The number of shares.
    pub quantity: u32,
}

/// An announcement to all clients.
#[topicast::ws_push("notice")]
#[derive(Debug, Clone)]
pub struct Notice {
    /// The text.
    pub text: String,
}

/// The user of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User(pub &'static str);

/// The state of the application under test.
#[derive(Debug, Default)]
pub struct App {
    /// The number of feeds that were started.
    pub feeds_started: AtomicUsize,
    /// The number of feeds that run.
    pub feeds_running: Arc<AtomicUsize>,
    /// The number of calls of `authorize`.
    pub asked: AtomicUsize,
    /// The topics whose feed runs, for tests that publish instead of it.
    pub topics: Mutex<HashMap<String, Topic<Orders>>>,
    /// The permits that snapshots wait for, if a test sets them.
    pub gate: Mutex<Option<Arc<tokio::sync::Notify>>>,
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl topicast::Serve<Arc<App>> for Orders {
    async fn authorize(&self, cx: &Cx<'_, Arc<App>>) -> Result<(), Refusal> {
        cx.state().asked.fetch_add(1, Ordering::SeqCst);
        match self.account_id.as_str() {
            "panic" => panic!("a hook that panics"),
            "later" => Err(Refusal::rate_limited("not so fast", Duration::from_millis(1500))),
            account if cx.extension::<User>().is_none_or(|user| user.0 == account) => Ok(()),
            account => Err(Refusal::forbidden(format!("account {account} is not yours"))),
        }
    }

    async fn snapshot(&self, cx: &Cx<'_, Arc<App>>) -> Result<Option<Order>, Refusal> {
        let gate = cx.state().gate.lock().expect("no test panics with the gate").clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        match self.account_id.as_str() {
            "empty" => Ok(None),
            "stuck" => Err(Refusal::unavailable("the book is being rebuilt")),
            _ => Ok(Some(Order { number: 0 })),
        }
    }

    async fn feed(&self, cx: &Cx<'_, Arc<App>>, topic: Topic<Self>) -> Result<Feed, Refusal> {
        if self.account_id == "dry" {
            return Err(Refusal::unavailable("no upstream"));
        }
        let app = cx.state();
        app.feeds_started.fetch_add(1, Ordering::SeqCst);
        app.feeds_running.fetch_add(1, Ordering::SeqCst);
        app.topics.lock().expect("no test panics with the topics").insert(self.account_id.clone(), topic);
        Ok(Feed::guard(Running(Arc::clone(&app.feeds_running))))
    }
}

/// Places an order.
///
/// # Errors
/// When the market is closed, as it is for `HALT`.
#[topicast::ws_operation("orders.place", reply = "orders.place.response", tags = ["trading"])]
pub async fn place_order(cx: &Cx<'_, Arc<App>>, order: PlaceOrder) -> Result<Order, Refusal> {
    cx.state().asked.fetch_add(1, Ordering::SeqCst);
    if order.symbol == "HALT" {
        return Err(Refusal::new("market_closed", "the market is closed"));
    }
    assert_ne!(order.symbol, "PANIC", "an operation that panics");
    Ok(Order { number: order.quantity })
}

/// Sends a notice to the session that sent the request, and no reply.
///
/// # Errors
/// Never.
#[topicast::ws_operation("notice.me")]
pub async fn notice_me(cx: &Cx<'_, Arc<App>>) -> Result<(), Refusal> {
    cx.session().push(&Notice { text: "you asked".to_owned() }).map_err(|error| Refusal::internal(error.to_string()))
}

/// Returns the builder of a server that lists all declarations above.
pub fn builder(app: &Arc<App>) -> Builder<Arc<App>> {
    Server::builder("Test", "1.0.0")
        .state(Arc::clone(app))
        .refusal_codes(["market_closed"])
        .channels(topicast::channels![Arc<App>; Bars, Executions, Status, Orders])
        .operations(topicast::operations![Arc<App>; place_order, notice_me, Notice])
}

/// Builds a server that lists all declarations above, and returns it with its state.
///
/// # Panics
/// When the declarations do not fit together.
pub fn server() -> (Server, Arc<App>) {
    let app = Arc::<App>::default();
    (builder(&app).build().expect("the declarations fit together"), app)
}
