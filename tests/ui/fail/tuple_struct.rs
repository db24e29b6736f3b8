//! The fields of a request have names.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars(String);

fn main() {
    let _ = topicast::channels![Bars];
}
