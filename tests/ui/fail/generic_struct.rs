//! One route is one type.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars<T> {
    symbol: T,
}

#[topicast::ws_router(route = "borrowed", update = Bar)]
struct Borrowed<'a> {
    symbol: std::borrow::Cow<'a, str>,
}

fn main() {}
