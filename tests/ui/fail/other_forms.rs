//! Attributes of serde that make something else of the struct than an object of its fields.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "tagged", update = Bar)]
#[serde(tag = "kind")]
struct Tagged {
    symbol: String,
}

#[topicast::ws_router(route = "transparent", update = Bar)]
#[serde(transparent)]
struct Transparent {
    symbol: String,
}

#[topicast::ws_router(route = "untagged", update = Bar)]
#[serde(rename_all = "camelCase", untagged)]
struct Untagged {
    symbol: String,
}

#[topicast::ws_router(route = "converted", update = Bar)]
#[serde(from = "Tagged", into = "Tagged")]
struct Converted {
    symbol: String,
}

fn main() {}
