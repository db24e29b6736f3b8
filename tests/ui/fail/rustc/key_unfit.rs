//! Fields that are not always in the row as they are, or whose type may be private.

#[derive(Debug, Clone)]
#[topicast::data]
enum Side {
    Bid,
    Ask,
}

#[topicast::data]
pub struct Level {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
    #[serde(with = "text")]
    #[schemars(with = "String")]
    pub id: u64,
    #[cfg_attr(all(), serde(rename = "s"))]
    pub symbol: String,
    side: Side,
}

mod text {
    use topicast::serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(id: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&id.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[topicast::ws_router(route = "omitted", update = Level, table(key = account))]
struct Omitted {}

#[topicast::ws_router(route = "changed", update = Level, table(key = id))]
struct Changed {}

#[topicast::ws_router(route = "conditional", update = Level, table(key = symbol))]
struct Conditional {}

#[topicast::ws_router(route = "private", update = Level, table(key = side))]
struct Private {}

fn main() {
    let _ = topicast::channels![Omitted, Changed, Conditional, Private];
}
