//! An update whose type lacks what is needed.

struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = (topicast::channels![Bars], Bar { close: 1.0 }.close);
}
