//! Operations and pushes: a request with a reply, and messages of the server's own accord.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use topicast::{Cx, Refusal, Server};

/// What a client sends to place an order.
#[topicast::data]
struct PlaceOrder {
    symbol: String,
    quantity: u32,
}

/// The number that a placed order got.
#[topicast::data]
struct Placed {
    number: u32,
}

/// Sent to the session that placed the order, once the market has filled it.
#[topicast::ws_push("orders.filled")]
struct Filled {
    number: u32,
}

/// Sent to every session.
#[topicast::ws_push("notice")]
struct Notice {
    text: String,
}

/// The state of the application.
#[derive(Default)]
struct App {
    last_number: AtomicU32,
}

/// Places an order.
#[topicast::ws_operation("orders.place", reply = "orders.place.response")]
async fn place_order(cx: &Cx<'_, App>, order: PlaceOrder) -> Result<Placed, Refusal> {
    if order.quantity == 0 {
        return Err(Refusal::new("invalid_quantity", format!("0 of {}; order at least 1", order.symbol)));
    }
    let number = cx.state().last_number.fetch_add(1, Ordering::Relaxed) + 1;
    let session = cx.session().clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // A session that has ended meanwhile takes the push and sends nothing.
        session.push(&Filled { number }).expect("the push is listed");
    });
    Ok(Placed { number })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ws = Server::builder("Operations", "1.0.0")
        .state(App::default())
        .refusal_codes(["invalid_quantity"])
        .operations(topicast::operations![App; place_order, Filled, Notice])
        .build()?;

    let everyone = ws.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            let text = format!("connections: {}", everyone.connections());
            everyone.push(&Notice { text }).expect("the push is listed");
        }
    });

    let port = std::env::args().nth(1).unwrap_or_else(|| "8000".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("open http://{}/ws/asyncapi and send orders.place", listener.local_addr()?);
    topicast::serve(listener, ws.router("/ws")).await?;
    Ok(())
}
