//! `flatten` on a field.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
    #[serde(flatten)]
    length: Length,
}

#[topicast::data]
struct Length {
    minutes: u32,
}

fn main() {
    let _ = topicast::channels![Bars];
}
