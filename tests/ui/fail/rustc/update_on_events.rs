//! Changing the rows of channels that have none.

use topicast::Topic;

#[topicast::data]
struct Trade {
    id: String,
}

#[topicast::ws_router(route = "trades", update = Trade)]
struct Trades {}

#[topicast::ws_router(route = "last", update = Trade, latest)]
struct LastTrade {}

fn update(trades: &Topic<Trades>, trade: &Trade) {
    trades.update(|rows| rows.set(trade)).unwrap();
}

fn replace(last: &Topic<LastTrade>, trade: &Trade) {
    last.replace([trade]).unwrap();
}

fn main() {
    let _ = (topicast::channels![Trades, LastTrade], update, replace);
}
