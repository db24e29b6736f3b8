//! The tests of the application, as docs/testing.md shows them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::HashMap, sync::Arc};

use topicast::testing::{Client, Connect};

use crate::{App, Balance, Balances, PlaceOrder, Placed, User, websockets};

fn app() -> Arc<App> {
    let user = User { account: "TEST-001".into() };
    Arc::new(App { users: HashMap::from([("secret".into(), user)]) })
}

#[tokio::test]
async fn an_owner_sees_the_balance_and_a_stranger_does_not() {
    let app = app();
    let ws = websockets(&app).unwrap();
    let own = Balances { account: "TEST-001".into() };

    let mut stranger = Client::connect(&ws).await.unwrap();
    assert_eq!(stranger.subscribe_refused(&own).await.code(), "forbidden");

    // The application's layer adds this extension to the request.
    let mut owner = Connect::new(&ws).extension(app.users["secret"].clone()).open().await.unwrap();
    owner.subscribe(&own).await;
    ws.publisher::<Balances>().unwrap().topic(&own).unwrap().publish(&Balance { cents: 9050 }).unwrap();
    assert_eq!(owner.message().await["payload"]["cents"], 9050);
    assert!(stranger.settled().await.is_empty());
}

#[tokio::test]
async fn an_order_is_placed_and_notified() {
    let app = app();
    let ws = websockets(&app).unwrap();
    let mut client = Connect::new(&ws).extension(app.users["secret"].clone()).open().await.unwrap();
    let order = PlaceOrder { symbol: "AAPL".into(), quantity: 100 };
    let placed: Placed = client.request("orders.place", &order).await;
    assert_eq!(placed.number, 1);
    assert_eq!(client.message().await["payload"]["text"], "100 of AAPL ordered");
}
