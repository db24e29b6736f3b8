//! The field that is named as the subject has a type that it cannot have.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar, subject = "length")]
struct Bars {
    symbol: String,
    length: Option<u32>,
}

fn main() {
    let _ = topicast::channels![Bars];
}
