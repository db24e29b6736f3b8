//! A surface that has one of everything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    declare::{ChannelDeclaration, OperationDeclaration, PushDeclaration, schema_of},
    docs::info::{Contact, Info, Licence, ServerInfo, Surface, Tag},
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

/// What an order is about, as asked and as told.
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

/// A request whose fields have other names, as the attributes tell them.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Quotes {
    #[serde(alias = "ticker", alias = "sym")]
    #[schemars(extend("x-aliases" = ["ticker", "sym"]))]
    symbol: String,
    #[serde(alias = "levels")]
    #[schemars(extend("x-aliases" = ["levels"]))]
    depth: Option<u8>,
}

/// A type whose own name looks like a numbered one.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Bar2 {
    first: Bar,
    price: f64,
}

pub(super) fn bars() -> ChannelDeclaration {
    ChannelDeclaration {
        route: "bars",
        type_name: "Bars",
        summary: Some("Bars of one symbol"),
        description: "Real-time OHLC bars of one symbol at one resolution.",
        tags: &["datafeed"],
        subject: Some("symbol"),
        fields: &["symbol", "resolution"],
        served: false,
        request: schema_of::<Bars>,
        subject_schema: Some(schema_of::<String>),
        update: schema_of::<Bar>,
    }
}

pub(super) fn orders() -> ChannelDeclaration {
    ChannelDeclaration {
        route: "orders",
        type_name: "Orders",
        summary: None,
        description: "",
        tags: &["trading"],
        subject: Some("accountId"),
        fields: &["accountId", "symbol", "since", "limit", "labels", "filter", "tag", "ratio"],
        served: true,
        request: schema_of::<Orders>,
        subject_schema: Some(schema_of::<String>),
        update: schema_of::<Order>,
    }
}

pub(super) fn status() -> ChannelDeclaration {
    ChannelDeclaration {
        route: "market-status",
        type_name: "Status",
        summary: None,
        description: "Which side moved last.",
        subject: None,
        subject_schema: None,
        fields: &[],
        request: schema_of::<Status>,
        update: schema_of::<Side>,
        ..bars()
    }
}

pub(super) fn quotes() -> ChannelDeclaration {
    ChannelDeclaration {
        route: "quotes",
        type_name: "Quotes",
        summary: None,
        description: "The best prices of one symbol.",
        fields: &["symbol", "depth"],
        request: schema_of::<Quotes>,
        update: schema_of::<Quotes>,
        ..bars()
    }
}

pub(super) fn place() -> OperationDeclaration {
    OperationDeclaration {
        name: "orders.place",
        reply_name: Some("orders.place.response"),
        summary: None,
        description: "Places an order.\n\nIt may fill at once.",
        tags: &["trading"],
        payload: Some(schema_of::<Placement>),
        reply: Some(schema_of::<Accepted>),
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
        channels: vec![bars(), orders(), status(), quotes()],
        operations: vec![
            place(),
            OperationDeclaration {
                name: "orders.cancel-all",
                reply_name: None,
                payload: None,
                reply: None,
                description: "Cancels all orders.",
                ..place()
            },
        ],
        pushes: vec![PushDeclaration {
            name: "notice",
            type_name: "Notice",
            summary: None,
            description: "Something that everybody should know.",
            tags: &[],
            payload: schema_of::<Notice>,
        }],
        refusal_codes: vec!["market_closed".to_owned(), "forbidden".to_owned()],
        profile,
    }
}
