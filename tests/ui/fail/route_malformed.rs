//! A route is made of lower-case letters, digits and hyphens.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "Bars", update = Bar)]
struct Bars {
    symbol: String,
}

#[topicast::ws_router(route = "1-bars", update = Bar)]
struct Digit {}

#[topicast::ws_router(route = "bars.minute", update = Bar)]
struct Dot {}

#[topicast::ws_router(route = "bars_minute", update = Bar)]
struct Underscore {}

fn main() {
    let _ = topicast::channels![Bars];
}
