//! Arguments without a value, or with the value of another kind.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route, update = Bar)]
struct NoRoute {}

#[topicast::ws_router(route = bars, update = "Bar")]
struct Kinds {}

#[topicast::ws_router(route = "c", update = Bar, tags = "a", summary = 1, subject = x, crate = "topicast")]
struct More {}

#[topicast::ws_router(route = "d", update = Bar, derive = no, served = true)]
struct Switches {}

#[topicast::ws_router(route = "e" update = Bar)]
struct Comma {}

#[topicast::ws_router("f", update = Bar)]
struct Bars {}

fn main() {
    let _ = topicast::channels![Bars];
}
