//! A type of another crate for which schemars has a feature that is not enabled.

mod jiff {
    #[derive(topicast::serde::Serialize, topicast::serde::Deserialize)]
    #[serde(crate = "topicast::serde")]
    pub struct Timestamp(i64);
}

#[topicast::data]
struct Trade {
    time: jiff::Timestamp,
}

#[topicast::ws_router(route = "trades", update = Trade)]
struct Trades {
    symbol: String,
    since: jiff::Timestamp,
}

fn main() {
    let _ = topicast::channels![Trades];
}
