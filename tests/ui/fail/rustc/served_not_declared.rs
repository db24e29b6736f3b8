//! Behaviour for a channel that is not declared `served`.

struct App;

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
}

impl topicast::Serve<App> for Bars {}

fn main() {
    let _ = topicast::channels![App; Bars];
}
