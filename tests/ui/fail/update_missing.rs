//! A channel that does not say what subscribers receive.

#[topicast::ws_router(route = "bars")]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
