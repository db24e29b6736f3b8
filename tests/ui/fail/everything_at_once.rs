//! Every mistake of a declaration is reported, not only the first.

#[topicast::ws_router(route = "Bars", subject = "ticker", colour = "red")]
struct Bars {
    #[serde(skip)]
    symbol: String,
    #[serde(flatten)]
    rest: Rest,
}

#[topicast::data]
struct Rest {
    resolution: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
