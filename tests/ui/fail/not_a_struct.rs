//! A channel is a struct.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
enum Bars {
    Minute,
    Day,
}

#[topicast::ws_router(route = "union", update = Bar)]
union Union {
    minute: u8,
}

#[topicast::ws_router(route = "function", update = Bar)]
fn function() {}

#[topicast::ws_router(route = "alias", update = Bar)]
type Alias = Bar;

fn main() {
    let _ = topicast::channels![Bars];
}
