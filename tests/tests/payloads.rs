//! Payloads that the documents do not allow, in every kind of message, and states of another crate.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use topicast::{Cx, Error, PublishError, Refusal, Serve, Server, testing::Client};
use topicast_tests::channels::{Order, Orders};

#[topicast::data]
#[derive(Debug, Clone, Default)]
struct Level {
    price: f64,
    size: Option<u64>,
}

#[topicast::data]
#[derive(Debug, Clone, Default)]
struct Book {
    time: i64,
    mid: f32,
    levels: Vec<Level>,
    by_venue: BTreeMap<String, i128>,
    pair: (u8, f64),
    note: Option<String>,
}

#[topicast::ws_router(route = "books", update = Book, served)]
#[derive(Debug, Clone)]
struct Books {
    symbol: String,
}

#[topicast::ws_push("mid")]
struct Mid {
    price: f64,
}

#[topicast::ws_operation("last", reply = "last.response")]
async fn last(_: &Cx<'_, f64>) -> Result<Level, Refusal> {
    Ok(Level { price: f64::INFINITY, size: None })
}

/// A state whose snapshots contain this number.
impl Serve<f64> for Books {
    async fn snapshot(&self, cx: &Cx<'_, f64>) -> Result<Option<Book>, Refusal> {
        Ok(Some(Book { pair: (0, *cx.state()), ..Book::default() }))
    }
}

fn server(snapshot: f64) -> Server {
    Server::builder("Payloads", "1")
        .state(snapshot)
        .channels(topicast::channels![f64; Books])
        .operations(topicast::operations![f64; last, Mid])
        .build()
        .expect("the declarations fit together")
}

fn books() -> Books {
    Books { symbol: "A".to_owned() }
}

fn good() -> Book {
    Book {
        time: -9_007_199_254_740_991,
        mid: 0.5,
        levels: vec![Level::default(), Level { price: f64::MIN_POSITIVE, size: Some(9_007_199_254_740_991) }],
        by_venue: BTreeMap::from([("x".to_owned(), 0), ("y z".to_owned(), 1)]),
        pair: (255, -0.0),
        note: Some(String::new()),
    }
}

fn bad() -> Vec<(Book, &'static str)> {
    let changed = |change: &dyn Fn(&mut Book)| {
        let mut book = good();
        change(&mut book);
        book
    };
    let not_finite = "a number is not finite; JSON has no NaN and no infinity";
    let range = "is outside ±9007199254740991, the range that every client can represent";
    let say = |text: String| -> &'static str { text.leak() };
    vec![
        (changed(&|book| book.mid = f32::NAN), say(format!("`mid`: {not_finite}"))),
        (changed(&|book| book.levels[1].price = f64::NEG_INFINITY), say(format!("`levels[1].price`: {not_finite}"))),
        (changed(&|book| book.pair.1 = f64::NAN), say(format!("`pair[1]`: {not_finite}"))),
        (changed(&|book| book.time = 1 << 53), say(format!("`time`: integer 9007199254740992 {range}"))),
        (changed(&|book| book.time = i64::MIN), say(format!("`time`: integer -9223372036854775808 {range}"))),
        (
            changed(&|book| book.levels[0].size = Some(u64::MAX)),
            say(format!("`levels[0].size`: integer 18446744073709551615 {range}")),
        ),
        (
            changed(&|book| book.by_venue = BTreeMap::from([("y z".to_owned(), -(1 << 60))])),
            say(format!("`by_venue.y z`: integer -1152921504606846976 {range}")),
        ),
    ]
}

#[tokio::test]
async fn an_update_that_the_documents_do_not_allow_is_an_error_that_names_the_member() {
    let server = server(0.0);
    let topic = server.publisher::<Books>().unwrap().topic(&books()).unwrap();
    let check = |when: &str| {
        for (book, expected) in bad() {
            let error: PublishError = topic.publish(&book).expect_err(expected);
            assert_eq!(error.to_string(), format!("the update cannot be sent: {expected}"), "{when}");
        }
        topic.publish(&good()).unwrap();
    };
    check("without a subscriber");
    let mut client = Client::connect(&server).await.unwrap();
    client.subscribe(&books()).await;
    check("with a subscriber");
    // The refused update did not change `seq` and reached no subscriber.
    assert_eq!(client.message().await["type"], "books.snapshot");
    let update = client.message().await;
    assert_eq!((&update["type"], &update["seq"]), (&json!("books.update"), &json!(2)));
    assert_eq!(update["payload"], json!(good()));
}

#[tokio::test]
async fn a_snapshot_a_reply_and_a_push_obey_the_same_rule() {
    let server = server(f64::NAN);
    let mut client = Client::connect(&server).await.unwrap();
    assert_eq!(client.subscribe_refused(&books()).await.code(), "internal");
    assert_eq!(client.request_refused("last", &json!(null)).await.code(), "internal");
    let error: Error = server.push(&Mid { price: f64::NAN }).unwrap_err();
    assert!(error.is_encode());
    assert!(error.to_string().starts_with("the value cannot be sent: `price`: a number is not finite"), "{error}");
    server.push(&Mid { price: 1.5 }).unwrap();
    assert_eq!(client.message().await["payload"], json!({ "price": 1.5 }));
}

/// The application's own state; the channel is another crate's.
#[derive(Debug)]
struct Desk {
    next: u32,
}

impl Serve<Desk> for Orders {
    async fn snapshot(&self, cx: &Cx<'_, Desk>) -> Result<Option<Order>, Refusal> {
        let desk: Arc<Desk> = cx.shared_state();
        Ok(Some(Order { number: desk.next.max(cx.state().next) }))
    }
}

#[tokio::test]
async fn a_shared_state_serves_channels_of_another_crate() {
    let desk = Arc::new(Desk { next: 7 });
    let server = Server::builder("Shared", "1")
        .shared_state(Arc::clone(&desk))
        .channels(topicast::channels![Desk; Orders])
        .build()
        .unwrap();
    let mut client = Client::connect(&server).await.unwrap();
    client.subscribe(&Orders { account_id: "A".to_owned() }).await;
    assert_eq!(client.message().await["payload"], json!({ "number": 7 }));
}
