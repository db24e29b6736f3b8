//! An argument that there is not.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(rout = "bars", route = "bars", update = Bar, description = "Bars.")]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
