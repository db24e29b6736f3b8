//! A channel that stands twice in a list.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars, Bars];
    let _ = topicast::channels![(); self::Bars, self::Bars,];
}
