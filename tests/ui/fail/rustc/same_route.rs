//! Two channels of one list with one route.

mod minute {
    #[topicast::ws_router(route = "bars", update = super::Bar)]
    pub struct Bars {
        symbol: String,
    }
}

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    symbol: String,
}

#[topicast::ws_router(route = "orders", update = Bar)]
struct Orders {
    symbol: String,
}

fn main() {
    let _ = topicast::channels![Bars, Orders, minute::Bars];
}
