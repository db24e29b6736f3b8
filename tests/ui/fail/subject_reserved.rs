//! A subject that is called like a member of the reply.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
struct Bars {
    topic: String,
    symbol: String,
}

#[topicast::ws_router(route = "named", update = Bar, subject = "code")]
struct Named {
    symbol: String,
    code: String,
}

#[topicast::ws_router(route = "renamed", update = Bar)]
#[serde(rename_all = "snake_case")]
struct Renamed {
    #[serde(rename = "status")]
    state: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
