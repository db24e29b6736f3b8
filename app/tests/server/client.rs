//! The typed client on the application's own declarations.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;
use topicast_client::{Backoff, Cause, Client, Connection, Event, GapCause, Item, RequestError};
use trading_api::{
    bar::{Bar, Bars},
    resolution::Resolution,
};

use crate::support::{PATIENCE, Running, start};

fn bars(symbol: &str) -> Bars {
    Bars { symbol: symbol.to_owned(), resolution: Resolution::M1 }
}

fn client(server: &Running) -> Client {
    let millis = Duration::from_millis;
    let quick = Backoff { base: millis(1), cap: millis(10), stable: millis(100) };
    let url = format!("ws://{}/api/v1/ws", server.address);
    Client::builder(url).backoff(quick).build().expect("a good address")
}

#[tokio::test]
async fn bars_go_on_over_the_ends_of_connections() {
    let flags = ["--bar-broadcaster-interval", "0.01", "--ws-max-connection-lifespan", "0.3"];
    let server = start(&flags).await;
    let client = client(&server);
    let (mut stream, mut events) = (client.subscribe(&bars("AAPL")).expect("a good request"), client.events());
    let (mut ends, mut updates, mut last) = (0, 0, None::<Bar>);
    let watch = async {
        while ends < 3 || updates < 10 {
            tokio::select! {
                Some(event) = events.next() => if let Event::Connection(Connection::Waiting { why, .. }) = event {
                    assert_eq!((why.cause, why.code), (Cause::TimeLimit, Some(1003)));
                    ends += 1;
                },
                Some(item) = stream.next() => match item {
                    Item::Update(bar) => {
                        assert!(last.is_none_or(|last| last.time <= bar.time), "times go back");
                        (last, updates) = (Some(bar), updates + 1);
                    }
                    Item::Gap(gap) => assert_eq!(gap.cause, GapCause::Away, "the server has not been restarted"),
                    Item::Status(_) => {}
                    other => panic!("{other:?}"),
                },
            }
        }
    };
    timeout(PATIENCE, watch).await.expect("bars and ends");
}

#[tokio::test]
async fn a_fault_is_told_and_leaves_the_others_alone() {
    let server = start(&["--bar-broadcaster-interval", "0.01"]).await;
    let client = client(&server);
    let mut faulty = client.subscribe(&bars("")).expect("it has a topic");
    let mut good = client.subscribe(&bars("AAPL")).expect("a good request");
    let refused = timeout(PATIENCE, faulty.ready()).await.expect("in time");
    assert!(matches!(refused, Err(RequestError::Refused(why)) if why.code() == "invalid"), "no symbol is a fault");
    timeout(PATIENCE, good.ready()).await.expect("in time").expect("it is subscribed");
    timeout(PATIENCE, client.ping()).await.expect("in time").expect("the connection lasts");
}
