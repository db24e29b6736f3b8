//! A request outlives the message that it came in.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars<'a> {
    symbol: &'a str,
}

#[topicast::ws_router(route = "orders", update = Bar)]
struct Orders {
    account: &'static str,
    symbols: Vec<std::borrow::Cow<'static, str>>,
}

fn main() {
    let _ = topicast::channels![Orders];
}
