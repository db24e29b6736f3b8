//! Names on the wire do not depend on the build.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    #[cfg_attr(debug_assertions, serde(rename = "ticker"))]
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
