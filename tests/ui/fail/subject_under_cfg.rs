//! A subject that is not in every build.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    #[cfg(debug_assertions)]
    symbol: String,
}

#[topicast::ws_router(route = "named", update = Bar, subject = "symbol")]
struct Named {
    length: String,
    #[cfg(debug_assertions)]
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
