//! The routes, origins and use of `axum::serve` in docs/embedding.md, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    routing::post,
};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};
use topicast::{Cx, Handshake, Refusal, Rejection, Server, testing};
use topicast_tests::{channels, http::header};
use tower::ServiceExt;
use tower_http::cors::{Any, CorsLayer};

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { topicast::serve(listener, router).await });
    address
}

/// A push that has nothing but a text.
#[topicast::ws_push("notice")]
struct Notice {
    text: String,
}

/// Returns the whole response to a `GET` from a page of another origin.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\norigin: https://example.org\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn a_nested_router_works_and_its_documents_have_the_full_path() {
    let (ws, _) = channels::server();
    let address = serve(Router::new().nest("/api", ws.router("/v1/ws"))).await;
    tokio_tungstenite::connect_async(format!("ws://{address}/api/v1/ws")).await.unwrap();
    assert!(get(address, "/api/v1/ws/asyncapi").await.starts_with("HTTP/1.1 200 "));
    let document = get(address, "/api/v1/ws/asyncapi-3.json").await;
    assert!(document.contains("\"address\": \"/api/v1/ws\""), "{document}");
}

#[tokio::test]
async fn a_handler_of_axum_pushes_through_the_server_in_its_state() {
    async fn notify(State(ws): State<Server>, text: String) -> Result<StatusCode, StatusCode> {
        ws.push(&Notice { text }).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(StatusCode::NO_CONTENT)
    }
    let ws = Server::builder("Notices", "1.0.0").operations(topicast::operations![Notice]).build().unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    let router: Router = Router::new().route("/notices", post(notify)).merge(ws.router("/ws")).with_state(ws);
    let response = router.oneshot(Request::post("/notices").body(Body::from("closing soon")).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(client.message().await["payload"]["text"], "closing soon");
}

#[tokio::test]
async fn what_an_operation_pushes_is_sent_before_its_reply() {
    #[topicast::ws_operation("notice.me", reply = "notice.me.response")]
    async fn notice_me(cx: &Cx<'_>) -> Result<(), Refusal> {
        let notice = Notice { text: "you asked".into() };
        cx.session().push(&notice).map_err(|error| Refusal::internal(error.to_string()))
    }
    let operations = topicast::operations![notice_me, Notice];
    let ws = Server::builder("Notices", "1.0.0").operations(operations).build().unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    client.send_text(r#"{"type":"notice.me"}"#).await;
    assert_eq!(client.message().await["type"], "notice");
    assert_eq!(client.message().await["type"], "notice.me.response");
}

#[tokio::test]
async fn the_socket_and_the_documents_can_be_served_apart() {
    let (ws, _) = channels::server();
    let address = serve(ws.socket_router("/ws").merge(ws.documents_router("/internal", "/ws"))).await;
    tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await.unwrap();
    assert!(get(address, "/ws/asyncapi").await.starts_with("HTTP/1.1 404 "));
    let document = get(address, "/internal/asyncapi-3.json").await;
    assert!(document.contains("\"address\": \"/ws\""), "{document}");
}

#[tokio::test]
async fn a_layer_of_cors_reaches_the_documents() {
    let (ws, _) = channels::server();
    let allowed = "access-control-allow-origin: *";
    let without = serve(ws.router("/ws")).await;
    assert!(!get(without, "/ws/asyncapi.json").await.contains(allowed));
    let with = serve(ws.router("/ws").layer(CorsLayer::new().allow_origin(Any))).await;
    assert!(get(with, "/ws/asyncapi.json").await.contains(allowed));
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_by_authenticate() {
    async fn same_origin(handshake: Handshake) -> Result<(), Rejection> {
        match handshake.headers().get(header::ORIGIN) {
            Some(origin) if origin != "https://example.com" => Err(Rejection::forbidden("not from this page")),
            _ => Ok(()),
        }
    }
    let ws = Server::builder("Here", "1.0.0").authenticate(same_origin).build().unwrap();
    let address = serve(ws.router("/ws")).await;
    let connect = async |origin: &'static str| {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        tokio_tungstenite::connect_async(request).await
    };
    assert!(connect("https://example.com").await.is_ok());
    match connect("https://example.org").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn axum_serve_tells_the_peer_where_it_is_asked_to_and_stops_with_a_shutdown() {
    let (ws, _) = channels::server();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router: Router = ws.router("/ws");
    let stopping = ws.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async move {
                let _ = stopped.await;
                stopping.shutdown().await;
            })
            .await
    });
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await.unwrap();
    while ws.sessions().is_empty() {
        tokio::task::yield_now().await;
    }
    let own = match socket.get_ref() {
        tokio_tungstenite::MaybeTlsStream::Plain(stream) => stream.local_addr().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(ws.sessions()[0].peer(), Some(own));
    stop.send(()).unwrap();
    match socket.next().await.unwrap().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1001),
        other => panic!("{other:?}"),
    }
    drop(socket);
    served.await.unwrap().unwrap();
    assert_eq!(ws.connections(), 0);
}
