//! A surface that has one of everything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    declare::{
        Docs, Fragment, KindFragment, OperationFragment, PushFragment, exchange, history, schema_of, subject_field,
    },
    docs::{
        info::{Contact, Info, Licence, ServerInfo, Tag},
        surface::Surface,
    },
    profile::Profile,
};

/// Length of a bar.
#[derive(Serialize, Deserialize, JsonSchema, Default)]
pub(super) enum Resolution {
    /// One minute.
    #[default]
    #[serde(rename = "1")]
    M1,
    /// A day.
    #[serde(rename = "D")]
    D1,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Bars {
    /// Ticker, for example "AAPL".
    #[schemars(example = &"AAPL")]
    symbol: String,
    /// Length of a bar.
    #[serde(default)]
    resolution: Resolution,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Bar {
    /// Start of the bar.
    time: i64,
    open: f64,
    volume: f64,
    #[serde(default)]
    resolution: Resolution,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Orders {
    account_id: String,
    /// Only orders of this symbol.
    symbol: Option<String>,
    since: Option<i64>,
    limit: u64,
    labels: Vec<Option<String>>,
    filter: Option<Filter>,
    tag: Option<Label>,
    ratio: Option<f32>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Label(String);

/// The filter of orders, in requests and in updates.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Filter {
    side: Option<Side>,
    #[serde(default)]
    depth: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Buy,
    Sell,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Order {
    id: String,
    filter: Filter,
    parent: Option<Box<Order>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Status {}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Placement {
    Limit { price: f64 },
    Market(Market),
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Market {
    quantity: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Accepted {
    message: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Notice {
    text: String,
}

pub(super) mod other {
    use super::{Deserialize, JsonSchema, Serialize};

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(crate) struct Bar {
        price: f64,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(crate) struct Bars {
        ticker: String,
    }
}

/// A request whose fields have aliases, as the attributes list them.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Quotes {
    #[serde(alias = "ticker", alias = "sym")]
    #[schemars(extend("x-aliases" = ["ticker", "sym"]))]
    symbol: String,
    #[serde(alias = "levels")]
    #[schemars(extend("x-aliases" = ["levels"]))]
    depth: Option<u8>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Best {
    symbol: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Bid {
    price: f64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Book {
    symbol: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Level {
    side: Side,
    /// The price in ticks.
    #[serde(rename = "px")]
    price: u64,
    size: f64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Holdings {}

#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Holding {
    /// The ticker.
    #[serde(default)]
    symbol: String,
    lots: u32,
}

/// A type whose own name looks like a numbered one.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Bar2 {
    first: Bar,
    price: f64,
}

/// Returns a fragment with the names of a route, as an expansion contains it.
macro_rules! fragment {
    ($route:literal, $($rest:tt)*) => {
        Fragment {
            route: $route,
            subscribe: exchange(concat!($route, ".subscribe"), concat!($route, ".subscribe.response")),
            unsubscribe: exchange(concat!($route, ".unsubscribe"), concat!($route, ".unsubscribe.response")),
            snapshot: concat!($route, ".snapshot"),
            update: concat!($route, ".update"),
            unsubscribed: concat!($route, ".unsubscribed"),
            $($rest)*
        }
    };
}

const EVENTS: KindFragment = KindFragment::Events { history: None };

pub(super) fn bars() -> Fragment {
    fragment! {
        "bars",
        type_name: "Bars",
        docs: Docs {
            summary: Some("Bars of one symbol"),
            description: "Real-time OHLC bars of one symbol at one resolution.",
            tags: &["datafeed"],
        },
        subject: subject_field("symbol", schema_of::<String>),
        fields: &["symbol", "resolution"],
        kind: KindFragment::Events { history: history(Some(1000), Some(300_000)) },
        served: false,
        request: schema_of::<Bars>,
        payload: schema_of::<Bar>,
    }
}

pub(super) fn orders() -> Fragment {
    fragment! {
        "orders",
        type_name: "Orders",
        docs: Docs { summary: None, description: "", tags: &["trading"] },
        subject: subject_field("accountId", schema_of::<String>),
        fields: &["accountId", "symbol", "since", "limit", "labels", "filter", "tag", "ratio"],
        kind: EVENTS,
        served: true,
        request: schema_of::<Orders>,
        payload: schema_of::<Order>,
    }
}

pub(super) fn status() -> Fragment {
    fragment! {
        "market-status",
        type_name: "Status",
        docs: Docs { summary: None, description: "Which side moved last.", tags: &["datafeed"] },
        subject: None,
        fields: &[],
        kind: EVENTS,
        served: false,
        request: schema_of::<Status>,
        payload: schema_of::<Side>,
    }
}

pub(super) fn quotes() -> Fragment {
    fragment! {
        "quotes",
        type_name: "Quotes",
        docs: Docs { summary: None, description: "The best prices of one symbol.", tags: &["datafeed"] },
        subject: subject_field("symbol", schema_of::<String>),
        fields: &["symbol", "depth"],
        kind: EVENTS,
        served: false,
        request: schema_of::<Quotes>,
        payload: schema_of::<Quotes>,
    }
}

/// The current value of each symbol, without hooks.
pub(super) fn best() -> Fragment {
    fragment! {
        "best",
        type_name: "Best",
        docs: Docs { summary: None, description: "The best bid.", tags: &[] },
        subject: subject_field("symbol", schema_of::<String>),
        fields: &["symbol"],
        kind: KindFragment::Latest,
        served: false,
        request: schema_of::<Best>,
        payload: schema_of::<Bid>,
    }
}

/// Rows by a key of two fields, with a checksum and without hooks.
pub(super) fn book() -> Fragment {
    fragment! {
        "book",
        type_name: "Book",
        docs: Docs { summary: None, description: "The order book of one symbol.", tags: &[] },
        subject: subject_field("symbol", schema_of::<String>),
        fields: &["symbol"],
        kind: KindFragment::Table { key: &["side", "px"], checksum: true },
        served: false,
        request: schema_of::<Book>,
        payload: schema_of::<Level>,
    }
}

/// Rows by one field, with hooks.
pub(super) fn holdings() -> Fragment {
    fragment! {
        "holdings",
        type_name: "Holdings",
        docs: Docs { summary: None, description: "What an account holds.", tags: &[] },
        subject: None,
        fields: &[],
        kind: KindFragment::Table { key: &["symbol"], checksum: false },
        served: true,
        request: schema_of::<Holdings>,
        payload: schema_of::<Holding>,
    }
}

pub(super) fn place() -> OperationFragment {
    OperationFragment {
        name: "orders.place",
        reply: Some("orders.place.response"),
        docs: Docs { summary: None, description: "Places an order.\n\nIt may fill at once.", tags: &["trading"] },
        payload: Some(schema_of::<Placement>),
        reply_payload: Some(schema_of::<Accepted>),
    }
}

pub(super) fn surface(profile: Profile) -> Surface {
    Surface {
        info: Info {
            title: "Trading WebSockets".to_owned(),
            version: "1.0.0".to_owned(),
            id: Some("urn:example:trading".to_owned()),
            description: Some("Market and account data.".to_owned()),
            contact: Some(Contact {
                name: Some("Desk".to_owned()),
                url: Some("https://example.com/desk".to_owned()),
                email: Some("desk@example.com".to_owned()),
            }),
            licence: Some(Licence { name: "MIT".to_owned(), url: Some("https://example.com/licence".to_owned()) }),
            servers: vec![ServerInfo {
                name: "local".to_owned(),
                host: "localhost:8000".to_owned(),
                protocol: "ws".to_owned(),
                description: Some("This machine.".to_owned()),
            }],
            tags: vec![Tag { name: "datafeed".to_owned(), description: Some("Prices.".to_owned()) }],
        },
        channels: vec![bars(), orders(), status(), quotes(), best(), book(), holdings()],
        operations: vec![
            place(),
            OperationFragment {
                name: "orders.cancel-all",
                reply: None,
                docs: Docs { description: "Cancels all orders.", ..place().docs },
                payload: None,
                reply_payload: None,
            },
        ],
        pushes: vec![PushFragment {
            name: "notice",
            type_name: "Notice",
            docs: Docs { summary: None, description: "An announcement to all clients.", tags: &[] },
            payload: schema_of::<Notice>,
        }],
        refusal_codes: vec!["market_closed".to_owned(), "forbidden".to_owned()],
        profile,
    }
}
