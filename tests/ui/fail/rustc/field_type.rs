//! A field whose type lacks what is needed.

#[topicast::data]
struct Bar {
    close: f64,
}

struct Length(u32);

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
    length: Length,
}

fn main() {
    let _ = topicast::channels![Bars];
}
