//! A field that is read under another name than it is written.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    #[serde(rename(serialize = "ticker", deserialize = "symbol"))]
    symbol: String,
    #[serde(rename(deserialize = "length"))]
    resolution: String,
}

#[topicast::ws_router(route = "all", update = Bar)]
#[serde(rename_all(serialize = "camelCase"))]
struct All {
    symbol: String,
    bar_length: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
