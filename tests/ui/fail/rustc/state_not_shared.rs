//! The state of a server is shared between threads.

#[topicast::data]
struct Bar {
    close: f64,
}

struct App(std::rc::Rc<u8>);

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
}

fn main() {
    let _ = (topicast::channels![App; Bars], App(std::rc::Rc::new(1)).0);
}
