//! The subject, which is the first field, has a type that it cannot have.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbols: Vec<String>,
}

fn main() {
    let _ = topicast::channels![Bars];
}
