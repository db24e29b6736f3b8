//! A subject that is no field.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar, subject = "ticker")]
struct Bars {
    symbol: String,
}

#[topicast::ws_router(route = "beats", update = Bar, subject = "symbol")]
struct Beats {}

#[topicast::ws_router(route = "renamed", update = Bar, subject = "accountId")]
#[serde(rename_all = "camelCase")]
struct Renamed {
    account_id: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
