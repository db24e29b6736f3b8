//! Snapshot hooks with the signature of another kind.

use topicast::{Cx, Refusal, Serve};

struct App;

#[topicast::data]
struct Row {
    id: u64,
}

#[topicast::ws_router(route = "events", update = Row, served)]
struct Events {}

impl Serve<App> for Events {
    async fn snapshot(&self, _: &App) -> Result<Option<Row>, Refusal> {
        Ok(None)
    }
}

#[topicast::ws_router(route = "latest", update = Row, latest, served)]
struct Latest {}

impl Serve<App> for Latest {
    async fn snapshot(&self, _: &Cx<'_, App>) -> Result<Option<Row>, Refusal> {
        Ok(None)
    }
}

#[topicast::ws_router(route = "table", update = Row, table(key = id), served)]
struct Table {}

impl Serve<App> for Table {
    async fn snapshot(&self, _: &App) -> Result<Option<Row>, Refusal> {
        Ok(None)
    }
}

fn main() {
    let _ = topicast::channels![App; Events, Latest, Table];
}
