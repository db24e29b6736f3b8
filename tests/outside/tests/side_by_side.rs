//! The channel works inside the application, and takes fewer lines than by hand.

use futures_util::{SinkExt, StreamExt};
use outside::{App, routes, with_topicast::websockets};
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};

#[tokio::test]
async fn the_channel_stands_behind_the_applications_own_layer() {
    let app = App::new();
    let ws = websockets(&app).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let routes = routes(&app, ws.router("/ws"));
    tokio::spawn(async move { topicast::serve(listener, routes).await });

    match tokio_tungstenite::connect_async(&url).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 401),
        other => panic!("{other:?}"),
    }
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", "Bearer secret".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let subscribe = r#"{"type":"equity.subscribe","payload":{"accountId":"TEST-001"}}"#;
    socket.send(Message::text(subscribe)).await.unwrap();
    let reply = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(reply.contains(r#""message":"Subscribed to TEST-001""#), "{reply}");
    let snapshot = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(snapshot.ends_with(r#""seq":0,"payload":{"cash":100.0}}"#), "{snapshot}");
}

#[test]
fn it_takes_fewer_lines_than_by_hand() {
    let lines = |source: &str| source.lines().filter(|line| !line.trim().is_empty()).count();
    let with_topicast = lines(include_str!("../src/with_topicast.rs"));
    let by_hand = lines(include_str!("../src/by_hand.rs"));
    println!("{with_topicast} lines with topicast, {by_hand} by hand");
    assert!(with_topicast * 2 < by_hand, "{with_topicast} lines with topicast, {by_hand} by hand");
}
