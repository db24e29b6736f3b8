//! The behaviour is there, but not for this state.

struct App;
struct Other;

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar, served)]
struct Bars {
    symbol: String,
}

impl topicast::Serve<Other> for Bars {}

fn main() {
    let _ = topicast::channels![App; Bars];
}
