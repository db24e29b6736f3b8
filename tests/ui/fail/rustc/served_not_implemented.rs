//! A channel declared `served` whose behaviour is not there.

struct App;

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar, served)]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![App; Bars];
}
