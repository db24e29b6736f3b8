//! `skip_serializing_if` on a field.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
}

fn main() {
    let _ = topicast::channels![Bars];
}
