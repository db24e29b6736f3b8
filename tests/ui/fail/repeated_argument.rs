//! An argument given twice.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar, route = "candles", tags = ["a"], tags = ["b"])]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
