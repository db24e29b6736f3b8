//! The routes of the documents and the page, and the paths in them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use futures_util::TryStreamExt;
use serde_json::Value;
use topicast_tests::{
    channels,
    http::{self, StatusCode},
};
use tower::ServiceExt;

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let frames: Vec<_> = response.into_body().into_data_stream().try_collect().await.unwrap();
    (status, String::from_utf8(frames.concat()).unwrap())
}

/// Returns true if a WebSocket is at the path: it answers a plain request with 426.
async fn has_socket(router: &Router, path: &str) -> bool {
    get(router, path).await.0 == StatusCode::UPGRADE_REQUIRED
}

async fn document(router: &Router, path: &str) -> Value {
    let (status, text) = get(router, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// Checks that both documents below `documents` describe a socket at `socket`, and that it exists.
async fn assert_socket(router: &Router, documents: &str, socket: &str) {
    assert!(has_socket(router, socket).await, "no WebSocket at {socket}");
    let v2 = document(router, &format!("{documents}/asyncapi.json")).await;
    let paths: Vec<_> = v2["channels"].as_object().unwrap().keys().collect();
    assert_eq!(paths, [socket]);
    let v3 = document(router, &format!("{documents}/asyncapi-3.json")).await;
    for (name, channel) in v3["channels"].as_object().unwrap() {
        assert_eq!(channel["address"], socket, "{name}");
    }
    // The files of the page are beside it, wherever it is nested.
    let (status, page) = get(router, &format!("{documents}/asyncapi")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("src=\"asyncapi/app.js\""), "{page}");
    assert_eq!(get(router, &format!("{documents}/asyncapi/app.js")).await.0, StatusCode::OK);
}

/// Returns the socket's path in a page, which is empty if the socket is beside the page.
async fn stated_socket(router: &Router, path: &str) -> String {
    let (_, page) = get(router, path).await;
    let (_, rest) = page.split_once("<meta name=\"socket\" content=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn documents_of_a_nested_router_have_the_full_path() {
    let (ws, _) = channels::server();
    let once = Router::new().nest("/api", ws.router("/ws"));
    assert_socket(&once, "/api/ws", "/api/ws").await;
    let twice = Router::new().nest("/company", once.clone());
    assert_socket(&twice, "/company/api/ws", "/company/api/ws").await;
    let service = Router::new().nest_service("/service", ws.router::<()>("/ws"));
    assert_socket(&service, "/service/ws", "/service/ws").await;
    let both = Router::new().nest_service("/service", once);
    assert_socket(&both, "/service/api/ws", "/service/api/ws").await;
    let root = Router::new().nest("/api", ws.router("/"));
    assert_socket(&root, "/api", "/api").await;
    assert_socket(&ws.router("/"), "", "/").await;
    assert_eq!(stated_socket(&twice, "/company/api/ws/asyncapi").await, "");
}

#[tokio::test]
async fn documents_below_a_parameter_have_the_path_of_each_request() {
    let (ws, _) = channels::server();
    let router = Router::new().nest("/{tenant}", ws.router("/ws"));
    for tenant in ["a", "b", "a"] {
        assert_socket(&router, &format!("/{tenant}/ws"), &format!("/{tenant}/ws")).await;
    }
}

#[tokio::test]
async fn a_socket_can_be_served_without_documents() {
    let (ws, _) = channels::server();
    let router = ws.socket_router("/ws");
    assert!(has_socket(&router, "/ws").await);
    for path in ["/ws/asyncapi.json", "/ws/asyncapi-3.json", "/ws/asyncapi", "/ws/asyncapi/app.js"] {
        assert_eq!(get(&router, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn documents_can_be_served_elsewhere_behind_a_layer() {
    async fn colleagues_only(request: Request, next: Next) -> Result<Response, StatusCode> {
        let is_colleague = request.uri().query() == Some("colleague");
        if is_colleague { Ok(next.run(request).await) } else { Err(StatusCode::UNAUTHORIZED) }
    }

    let (ws, _) = channels::server();
    let documents: Router = ws.documents_router("/internal", "/api/ws");
    let open = Router::new().nest("/api", ws.socket_router("/ws"));
    let router = open.clone().nest("/deep", documents.clone());
    assert_socket(&router, "/deep/internal", "/api/ws").await;
    assert_eq!(stated_socket(&router, "/deep/internal/asyncapi").await, "/api/ws");
    let router = open.merge(documents.layer(middleware::from_fn(colleagues_only)));
    assert!(has_socket(&router, "/api/ws").await);
    for path in
        ["/internal/asyncapi.json", "/internal/asyncapi-3.json", "/internal/asyncapi", "/internal/asyncapi/app.js"]
    {
        assert_eq!(get(&router, path).await.0, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(get(&router, &format!("{path}?colleague")).await.0, StatusCode::OK, "{path}");
    }
}

#[test]
fn a_state_that_comes_too_late_is_an_error_that_says_what_to_do() {
    let listed = || topicast::Server::builder("Test", "1.0.0").channels(topicast::channels![channels::Bars]);
    let error = listed().state(1).build().unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(
        error.to_string(),
        "`state` was called after `channels`, which depends on the state; call `state` first"
    );
    let late = topicast::Server::builder("Test", "1.0.0").operations(topicast::operations![channels::Notice]).state(1);
    assert!(late.build().unwrap_err().to_string().contains("after `operations`"));
    let late = topicast::Server::builder("Test", "1.0.0")
        .authenticate(async |_| Ok(()))
        .state(())
        .channels(topicast::channels![channels::Bars]);
    assert!(late.build().unwrap_err().to_string().contains("after `authenticate`"));
    assert!(listed().build().is_ok());
}
