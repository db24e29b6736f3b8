//! Everything works where no name of the standard prelude is in scope.

#![deny(warnings)]
#![no_implicit_prelude]

use ::std::{clone::Clone, convert::Into, option::Option, result::Result, string::String, vec::Vec};
use ::topicast::{Cx, Refusal, channels, data, operations, ws_operation, ws_push, ws_router};

pub struct App;

/// Names of the prelude that are the user's own.
pub mod own {
    /// Not the standard library's.
    #[::topicast::data]
    pub struct Box {
        pub width: u32,
    }

    #[::topicast::data]
    pub enum Default {
        Some,
        None,
    }

    #[::topicast::data]
    pub struct Into(pub Default);
}

#[data]
#[derive(::std::clone::Clone, ::std::default::Default)]
pub enum Resolution {
    #[serde(rename = "1")]
    #[default]
    M1,
    #[serde(rename = "D")]
    #[schemars(title = "day")]
    Day,
}

/// An update with all kinds of fields.
#[data]
pub struct Bar {
    #[schemars(range(min = 0.0), example = 1.5)]
    pub close: f64,
    #[serde(default)]
    pub volume: Option<f64>,
    #[serde(default = "names", skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)), extend("x-of" = "venues"))]
    pub venues: Vec<String>,
    #[serde(flatten)]
    pub shape: own::Box,
    #[deprecated]
    pub old: own::Into,
    pub rest: Rest,
}

fn names() -> Vec<String> {
    Vec::new()
}

#[data]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rest {
    Nothing,
    Amount {
        value: f64,
        #[serde(default)]
        unit: Option<String>,
    },
    Other(own::Box),
}

#[data]
pub struct Tree {
    pub children: Vec<Tree>,
    pub alike: Vec<Self>,
}

/// Bars.
#[ws_router(route = "bars", update = Bar, tags = ["a"], summary = "Bars")]
#[serde(rename_all = "camelCase", default)]
pub struct Bars {
    #[schemars(length(min = 1), regex(pattern = "^[A-Z]+$"))]
    pub symbol_name: String,
    #[serde(default)]
    pub resolution: Resolution,
    #[serde(alias = "ext")]
    pub extended: Option<bool>,
}

impl ::std::default::Default for Bars {
    fn default() -> Self {
        Self { symbol_name: "AAPL".into(), resolution: Resolution::Day, extended: Option::None }
    }
}

#[ws_router(route = "trees", update = Tree, served)]
pub struct Trees {}

impl ::topicast::Serve<App> for Trees {
    async fn authorize(&self, _: &Cx<'_, App>) -> Result<(), Refusal> {
        Result::Ok(())
    }
}

#[ws_router(route = "beats", update = u64)]
pub struct Beats;

#[data]
#[derive(::std::clone::Clone, ::std::fmt::Debug)]
pub enum Side {
    Bid,
    Ask,
}

#[data]
pub struct Level {
    pub side: Side,
    pub price: u64,
}

#[ws_router(route = "levels", update = Level, table(key = (side, price), checksum), served)]
pub struct Levels {}

impl ::topicast::Serve<App> for Levels {
    async fn snapshot(&self, _: &App) -> Result<Vec<Level>, Refusal> {
        Result::Ok(Vec::new())
    }
}

#[ws_router(route = "best", update = Level, latest, served)]
pub struct Best {}

impl ::topicast::Serve<App> for Best {
    async fn snapshot(&self, _: &App) -> Result<Option<Level>, Refusal> {
        Result::Ok(Option::None)
    }
}

#[ws_router(route = "trades", update = Level, history(count = 10, age = "5m"))]
pub struct Trades {}

#[ws_push("notice")]
pub struct Notice {
    pub text: String,
}

#[ws_operation("resolution.next", reply = "resolution.next.response")]
async fn next(_: &Cx<'_, App>, resolution: Resolution) -> Result<Resolution, Refusal> {
    Result::Ok(resolution.clone())
}

#[ws_operation("touch")]
async fn touch(_: &Cx<'_, App>) -> Result<(), Refusal> {
    Result::Ok(())
}

fn main() {
    let topic = ::topicast::topic_of(&<Bars as ::std::default::Default>::default()).unwrap();
    ::std::assert_eq!(topic, r#"bars:{"extended":"","resolution":"D","symbolName":"AAPL"}"#);
    ::std::assert_eq!(::topicast::topic_of(&Beats).unwrap(), "beats:{}");

    let mut schemas = <::topicast::schemars::SchemaGenerator as ::std::default::Default>::default();
    let declared = <Bars as ::topicast::Channel>::FRAGMENT;
    let _ = ((declared.request)(&mut schemas), (declared.payload)(&mut schemas));
    let bars = schemas.definitions().get("Bars").unwrap();
    ::std::assert_eq!(bars["properties"]["symbolName"]["default"], "AAPL");

    let server = ::topicast::Server::builder("Bare", "1")
        .state(App)
        .channels(channels![App; Bars, Trees, Beats, Levels, Best, Trades])
        .operations(operations![App; next, touch, Notice])
        .build()
        .unwrap();
    ::std::assert!(server.publisher::<Trees>().is_ok());
    let key = <Levels as ::topicast::Tabular>::key(&Level { side: Side::Ask, price: 1 });
    ::std::assert_eq!(::std::format!("{key:?}"), "(Ask, 1)");
    let _ = (Notice { text: String::new() }, Tree { children: Vec::new(), alike: Vec::new() });
}
