//! Lists that cannot be read.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
}

struct App;

fn main() {
    let _ = topicast::channels![App, ; Bars];
    let _ = topicast::channels![App; Bars Bars];
    let _ = topicast::channels![App; "bars"];
    let _ = topicast::operations![crate = 1; Bars];
}
