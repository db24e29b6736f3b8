//! Two fields with one name on the wire.

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar)]
#[serde(rename_all = "camelCase")]
struct Bars {
    account_id: String,
    #[serde(rename = "accountId")]
    owner: String,
    #[allow(non_snake_case)]
    accountId: String,
}

fn main() {
    let _ = topicast::channels![Bars];
}
