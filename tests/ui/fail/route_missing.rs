//! A channel without a route.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(update = Bar)]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
