//! A hook with another signature.

use topicast::{Cx, Refusal, Serve};

struct App;

#[topicast::data]
struct Bar {
    close: f64,
}

#[topicast::ws_router(route = "bars", update = Bar, served)]
struct Bars {
    symbol: String,
}

impl Serve<App> for Bars {
    async fn authorize(&self, cx: &App) -> Result<(), Refusal> {
        let _ = cx;
        Ok(())
    }

    async fn snapshot(&self, _: &Cx<'_, App>) -> Result<Option<String>, Refusal> {
        Ok(None)
    }
}

fn main() {
    let _ = topicast::channels![App; Bars];
}
