//! Rows that are no structs with named fields, or have no `#[data]`.

use topicast::{
    schemars::JsonSchema,
    serde::{Deserialize, Serialize},
};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(crate = "topicast::serde")]
#[schemars(crate = "topicast::schemars")]
struct Plain {
    id: String,
}

#[topicast::data]
enum Side {
    Bid { id: String },
    Ask { id: String },
}

#[topicast::data]
struct Tuple(String, f64);

#[topicast::data]
#[serde(transparent)]
struct Transparent {
    id: String,
}

#[topicast::ws_router(route = "plain", update = Plain, table(key = id))]
struct Plains {}

#[topicast::ws_router(route = "sides", update = Side, table(key = id))]
struct Sides {}

#[topicast::ws_router(route = "tuples", update = Tuple, table(key = (id, price)))]
struct Tuples {}

#[topicast::ws_router(route = "transparent", update = Transparent, table(key = id))]
struct Transparents {}

fn main() {
    let _ = topicast::channels![Plains, Sides, Tuples, Transparents];
}
