//! Derives of the user's own are kept and not repeated.

#![deny(warnings)]

use topicast::{data, schemars, serde, topic, topic_of, ws_push, ws_router};

/// Derives that are none of ours.
#[data]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Side {
    #[default]
    Buy = 1,
    Sell = 2,
}

#[data]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    pub close: f64,
}

#[ws_router(route = "plain", update = Bar)]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plain {
    pub side: Side,
}

/// All three are the user's.
#[ws_router(route = "theirs", update = Bar)]
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "topicast::serde")]
#[schemars(crate = "topicast::schemars")]
pub struct Theirs {
    #[schemars(length(min = 1))]
    pub symbol: String,
}

/// serde is the user's, the schema is ours.
#[ws_router(route = "serde", update = Bar)]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(crate = "topicast::serde", rename_all = "UPPERCASE")]
pub struct Serde {
    #[schemars(length(min = 1))]
    pub symbol: String,
}

/// The schema is the user's, serde is ours.
#[ws_router(route = "schema", update = Bar)]
#[derive(schemars::JsonSchema)]
#[schemars(crate = "topicast::schemars")]
pub struct Schema {
    #[schemars(length(min = 1))]
    pub symbol: String,
}

/// One of serde's is the user's.
#[data]
#[derive(serde::Serialize)]
#[serde(crate = "topicast::serde")]
pub struct Half {
    pub close: f64,
}

/// Nothing is ours: the schema is derived, serde is written by hand.
#[ws_router(route = "hand", update = Bar, derive = false)]
#[derive(schemars::JsonSchema)]
#[schemars(crate = "topicast::schemars")]
pub struct Hand {
    pub symbol: String,
}

impl serde::Serialize for Hand {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut object = to.serialize_struct("Hand", 1)?;
        object.serialize_field("symbol", &self.symbol)?;
        object.end()
    }
}

impl<'de> serde::Deserialize<'de> for Hand {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = std::collections::BTreeMap::<String, String>::deserialize(from)?;
        let symbol = fields.remove("symbol").ok_or_else(|| serde::de::Error::missing_field("symbol"))?;
        Ok(Self { symbol })
    }
}

#[ws_push("number", derive = false)]
#[derive(serde::Serialize, schemars::JsonSchema)]
#[serde(crate = "topicast::serde")]
#[schemars(crate = "topicast::schemars")]
pub struct Number(pub u64);

fn schema<T: schemars::JsonSchema>() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

fn main() {
    assert_eq!(topic_of(&Plain { side: Side::Sell }).unwrap(), r#"plain:{"side":"Sell"}"#);
    assert_eq!(topic_of(&Theirs { symbol: "A".into() }).unwrap(), r#"theirs:{"symbol":"A"}"#);
    assert_eq!(topic_of(&Serde { symbol: "A".into() }).unwrap(), r#"serde:{"SYMBOL":"A"}"#);
    assert_eq!(topic_of(&Schema { symbol: "A".into() }).unwrap(), r#"schema:{"symbol":"A"}"#);
    assert_eq!(topic_of(&Hand { symbol: "A".into() }).unwrap(), r#"hand:{"symbol":"A"}"#);
    assert_eq!(topic("half", &Half { close: 1.0 }).unwrap(), r#"half:{"close":1}"#);
    for request in [schema::<Theirs>(), schema::<Schema>()] {
        assert_eq!(request["properties"]["symbol"]["minLength"], 1, "{request}");
    }
    assert_eq!(schema::<Serde>()["properties"]["SYMBOL"]["minLength"], 1);
    assert_eq!(schema::<Serde>()["title"], "Serde");
    assert!(serde_json::from_str::<Half>(r#"{"close":1.5}"#).is_ok());
    assert_eq!(serde_json::to_string(&Number(1)).unwrap(), "1");
    assert_eq!(Side::Sell as u8, 2);
    let _ = (topicast::channels![Plain, Theirs, Serde, Schema, Hand], topicast::operations![Number]);
}
