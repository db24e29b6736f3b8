//! A route must say something.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "", update = Bar)]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
