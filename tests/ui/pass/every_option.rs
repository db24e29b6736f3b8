//! Every option of every attribute, and what becomes of it.

#![deny(warnings)]

use topicast::{Channel, Cx, Push, Refusal, Request, channels, data, operations, ws_operation, ws_push, ws_router};

pub struct App;

#[data]
pub struct Bar {
    pub close: f64,
}

/**
 * Of one account.
 *
 *     indented
 */
#[ws_router(
    route = "orders",
    update = Bar,
    tags = ["broker", "private"],
    subject = "account",
    summary = "Orders of an account",
    served,
    crate = topicast,
    derive = true,
)]
pub struct Orders {
    pub symbol: Option<String>,
    #[serde(rename = "accountId")]
    pub account: u32,
    #[cfg(any())]
    pub never: String,
}

impl topicast::Serve<App> for Orders {
    async fn snapshot(&self, _: &Cx<'_, App>) -> Result<Option<Bar>, Refusal> {
        Ok(None)
    }
}

#[ws_router(route = "empty", update = Bar, tags = [])]
pub struct Empty {}

/// A notice:
#[doc = include_str!("every_option.txt")]
///     code
#[ws_push("notice.sent", tags = ["ops"], summary = "To all", crate = topicast, derive = true)]
pub struct Notice {
    pub text: String,
}

#[doc = "Places an order."]
#[ws_operation("orders.place", reply = "orders.placed", tags = ["broker"], summary = "Place", crate = topicast)]
pub async fn place(_: &Cx<'_, App>, order: Bar) -> Result<Bar, Refusal> {
    Ok(order)
}

fn main() {
    let orders = Orders::FRAGMENT;
    assert_eq!((orders.route, Orders::ROUTE), ("orders", "orders"));
    assert_eq!((orders.subscribe.request, orders.subscribe.reply), ("orders.subscribe", "orders.subscribe.response"));
    assert_eq!((orders.snapshot, orders.update), ("orders.snapshot", "orders.update"));
    assert_eq!(orders.docs.tags, ["broker", "private"]);
    assert_eq!(orders.docs.summary, Some("Orders of an account"));
    assert!(orders.docs.description.starts_with("Of one account."), "{:?}", orders.docs.description);
    assert_eq!((orders.subject.map(|subject| subject.name), orders.served), (Some("accountId"), true));
    assert_eq!(orders.fields, ["symbol", "accountId"]);
    let topic = topicast::topic_of(&Orders { symbol: None, account: 7 }).unwrap();
    assert_eq!(topic, r#"orders:{"accountId":7,"symbol":""}"#);

    let empty = Empty::FRAGMENT;
    assert!(empty.subject.is_none());
    assert_eq!((empty.fields.len(), empty.served, empty.docs.description), (0, false, ""));

    let notice = Notice::FRAGMENT;
    assert_eq!((notice.name, notice.type_name, Notice::NAME), ("notice.sent", "Notice", "notice.sent"));
    assert_eq!(
        (notice.docs.tags, notice.docs.summary, notice.docs.description),
        (&["ops"][..], Some("To all"), "A notice:\nfrom a file\n\n    code")
    );
    let _ = Notice { text: String::new() };
    assert_eq!((place::NAME, place::REPLY), ("orders.place", Some("orders.placed")));

    let server = topicast::Server::builder("Options", "1.0.0")
        .state(App)
        .channels(channels![App; Orders, Empty,])
        .operations(operations![App; place, Notice,])
        .build()
        .unwrap();
    assert!(server.publisher::<Orders>().is_ok());
}
