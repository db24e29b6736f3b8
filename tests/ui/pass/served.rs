//! Behaviour, for one state or for many.

#![deny(warnings)]

use std::sync::Arc;

use topicast::{Cx, Feed, Refusal, Serve, Topic, channels, data, ws_router};

pub struct App {
    open: bool,
}

#[data]
pub struct Order {
    pub id: u64,
}

#[ws_router(route = "orders", update = Order, served)]
pub struct Orders {
    pub account: String,
}

/// Every hook, with its signature as the trait has it.
impl Serve<App> for Orders {
    async fn authorize(&self, cx: &Cx<'_, App>) -> Result<(), Refusal> {
        if cx.state().open { Ok(()) } else { Err(Refusal::forbidden(format!("{} is closed", self.account))) }
    }

    async fn snapshot(&self, cx: &Cx<'_, App>) -> Result<Option<Order>, Refusal> {
        Ok(cx.state().open.then_some(Order { id: 1 }))
    }

    async fn feed(&self, _: &Cx<'_, App>, topic: Topic<Self>) -> Result<Feed, Refusal> {
        Ok(Feed::task(async move { drop(topic) }))
    }
}

/// The same channel in another application.
impl Serve<Arc<App>> for Orders {}

#[ws_router(route = "trades", update = Order, served)]
pub struct Trades {}

/// Whatever the state is.
impl<S: Send + Sync + 'static> Serve<S> for Trades {
    fn snapshot(&self, _: &Cx<'_, S>) -> impl Future<Output = Result<Option<Order>, Refusal>> + Send {
        std::future::ready(Ok(None))
    }
}

#[ws_router(route = "bars", update = Order)]
pub struct Bars {}

fn main() {
    let app = || App { open: true };
    topicast::Server::builder("One", "1").state(app()).channels(channels![App; Orders, Trades, Bars]).build().unwrap();
    let list = channels![Arc<App>; Orders, self::Trades, crate::Bars];
    topicast::Server::builder("Many", "1").state(Arc::new(app())).channels(list).build().unwrap();
    topicast::Server::builder("None", "1").channels(channels![Trades, Bars]).build().unwrap();
}
