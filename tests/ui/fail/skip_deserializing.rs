//! `skip_deserializing` on a field.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
    #[serde(default, skip_deserializing)]
    resolution: Option<String>,
}

fn main() {
    let _ = topicast::channels![Bars];
}
