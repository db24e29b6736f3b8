//! serde's names, defaults and aliases, and the topics that follow from them.

#![deny(warnings)]

use topicast::{Channel, data, topic_of, ws_router};

#[data]
pub struct Bar {
    pub close: f64,
}

#[ws_router(route = "renamed", update = Bar)]
pub struct Renamed {
    #[serde(rename = "accountId", alias = "account")]
    pub account_id: String,
    #[serde(rename(serialize = "b", deserialize = "b"))]
    pub other: bool,
}

macro_rules! conventions {
    ($($name:ident $rule:literal [$first:literal, $second:literal];)*) => {
        $(
            #[ws_router(route = "convention", update = Bar)]
            #[serde(rename_all = $rule)]
            pub struct $name {
                pub account_id: u8,
                pub _x1_y: u8,
            }
        )*

        fn check_conventions() {
            $({
                let value = $name { account_id: 1, _x1_y: 2 };
                let mut members = [format!("{:?}:1", $first), format!("{:?}:2", $second)];
                members.sort();
                assert_eq!(topic_of(&value).unwrap(), format!("convention:{{{}}}", members.join(",")), $rule);
                let declared = $name::FRAGMENT;
                assert_eq!((declared.fields, declared.subject.unwrap().name), (&[$first, $second][..], $first), $rule);
            })*
        }
    };
}

conventions! {
    Lower "lowercase" ["account_id", "_x1_y"];
    Upper "UPPERCASE" ["ACCOUNT_ID", "_X1_Y"];
    Pascal "PascalCase" ["AccountId", "X1Y"];
    Camel "camelCase" ["accountId", "x1Y"];
    Snake "snake_case" ["account_id", "_x1_y"];
    ScreamingSnake "SCREAMING_SNAKE_CASE" ["ACCOUNT_ID", "_X1_Y"];
    Kebab "kebab-case" ["account-id", "-x1-y"];
    ScreamingKebab "SCREAMING-KEBAB-CASE" ["ACCOUNT-ID", "-X1-Y"];
}

#[ws_router(route = "both", update = Bar)]
#[serde(rename_all(serialize = "camelCase", deserialize = "camelCase"), deny_unknown_fields)]
pub struct Both {
    pub account_id: String,
    #[serde(rename = "Own")]
    pub second_field: String,
}

#[ws_router(route = "defaults", update = Bar)]
pub struct Defaults {
    #[serde(default = "symbol")]
    pub symbol: String,
    #[serde(default)]
    pub length: Length,
    #[serde(default)]
    pub note: Option<String>,
}

fn symbol() -> String {
    "AAPL".into()
}

#[ws_router(route = "container", update = Bar)]
#[serde(default)]
pub struct Container {
    pub symbol: String,
    pub length: Length,
}

impl Default for Container {
    fn default() -> Self {
        Self { symbol: symbol(), length: Length { minutes: 5, kind: Kind::Tick } }
    }
}

#[data]
#[derive(Default)]
#[serde(rename_all = "camelCase")]
pub struct Length {
    pub minutes: u32,
    #[serde(rename = "of")]
    pub kind: Kind,
}

#[data]
#[derive(Default)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    #[default]
    FullBar,
    Tick,
}

#[ws_router(route = "nested", update = Vec<Option<Bar>>)]
pub struct Nested {
    pub kind: Kind,
    pub lengths: Vec<Length>,
    pub pair: (f32, Option<String>),
    pub names: std::collections::BTreeMap<String, Option<u8>>,
}

fn read<C: Channel>(json: &str) -> String {
    topic_of(&serde_json::from_str::<C>(json).unwrap()).unwrap()
}

fn main() {
    check_conventions();
    for json in [r#"{"accountId":"é","b":true}"#, r#"{"b":true,"account":"é"}"#] {
        assert_eq!(read::<Renamed>(json), r#"renamed:{"accountId":"é","b":true}"#);
    }
    assert_eq!(Renamed::FRAGMENT.fields, ["accountId", "b"]);
    assert_eq!(read::<Both>(r#"{"Own":"b","accountId":"a"}"#), r#"both:{"Own":"b","accountId":"a"}"#);
    assert!(serde_json::from_str::<Both>(r#"{"Own":"b","accountId":"a","x":1}"#).is_err());
    let defaults = r#"defaults:{"length":{"minutes":0,"of":"FULL_BAR"},"note":"","symbol":"AAPL"}"#;
    assert_eq!(read::<Defaults>("{}"), defaults);
    assert_eq!(read::<Defaults>(r#"{"note":null}"#), defaults);
    assert_eq!(read::<Container>("{}"), r#"container:{"length":{"minutes":5,"of":"TICK"},"symbol":"AAPL"}"#);
    let nested = Nested {
        kind: Kind::Tick,
        lengths: vec![Length { minutes: 1, kind: Kind::FullBar }],
        pair: (0.1, None),
        names: [("ö".into(), None), ("a".into(), Some(1))].into(),
    };
    assert_eq!(
        topic_of(&nested).unwrap(),
        r#"nested:{"kind":"TICK","lengths":[{"minutes":1,"of":"FULL_BAR"}],"names":{"a":1,"ö":""},"pair":[0.1,""]}"#,
    );
}
