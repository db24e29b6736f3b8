//! Upgrades an HTTP request to a connection: the handshake of RFC 6455, section 4.2.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{
        ConnectInfo, FromRequestParts, MatchedPath, NestedPath, OriginalUri, RawPathParams,
        rejection::RawPathParamsRejection,
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::{rt::TokioIo, server::conn::auto};
use tokio::net::TcpStream;

use crate::{
    call::{Rejection, Session, handshake},
    connection::{presence::Place, shared::Shared, task as connection},
    listen::HttpStream,
    wire::Transport,
};

/// Accepts a request to upgrade, or answers with the reason for its rejection.
pub(crate) async fn upgrade(shared: Arc<Shared>, request: Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    let accept = match validate(&parts, &body) {
        Ok(accept) => accept,
        Err(rejection) => return refuse(&rejection),
    };
    let Some(upgrading) = parts.extensions.remove::<OnUpgrade>() else {
        return refuse(&Rejection::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade_required",
            "this connection cannot be upgraded; WebSocket needs HTTP/1.1",
        ));
    };
    let place = match admit(&shared) {
        Ok(place) => place,
        Err(rejection) => return refuse(&rejection),
    };
    let parts = match authenticate(&shared, parts).await {
        Ok(parts) => parts,
        Err(rejection) => return refuse(&rejection),
    };
    tokio::spawn(async move {
        // A separate task, so that a client that disappears during the handshake affects nothing else.
        match upgrading.await {
            // Another task, because this one's memory includes the request and the upgrade.
            Ok(upgraded) => {
                let (transport, first) = transport_of(upgraded);
                tokio::spawn(serve_transport(place, transport, parts, &first));
            }
            Err(error) => tracing::debug!(%error, "the peer left during the handshake"),
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Takes a place for a new connection, or returns the rejection to answer with.
pub(crate) fn admit(shared: &Arc<Shared>) -> Result<Place, Rejection> {
    if shared.sessions.is_shutting_down() {
        return Err(Rejection::unavailable("the server is going away"));
    }
    Place::take(shared).ok_or_else(|| Rejection::unavailable("the server has reached its limit of connections"))
}

/// Calls the application's `authenticate`, within the time limit for handlers.
pub(crate) async fn authenticate(shared: &Shared, parts: Parts) -> Result<Parts, Rejection> {
    let Some(authenticate) = &shared.authenticate else { return Ok(parts) };
    let answer = authenticate(Arc::clone(&shared.state), parts);
    let Some(limit) = shared.limits.handler_timeout else { return answer.await };
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        tracing::error!(?limit, "`authenticate` timed out");
        Err(Rejection::unavailable("the server could not authenticate the client in time; try again later"))
    })
}

/// Serves a stream whose handshake is complete.
pub(crate) fn serve_transport(
    place: Place,
    transport: Transport,
    mut parts: Parts,
    first: &[u8],
) -> impl Future<Output = ()> + Send + use<> {
    let transport = Arc::new(transport);
    let peer = handshake::peer(&parts).or_else(|| transport.peer());
    forget_axum(&mut parts);
    let shared = place.shared();
    let handle = shared.hub.open(Arc::clone(&transport));
    let session = Session::new(handle, peer, parts.extensions, Arc::clone(&shared.catalog.pushes));
    connection::serve(place, transport, session, first)
}

/// Removes the extensions of axum's extractors. A session does not need them, and they would take
/// memory for its lifetime.
fn forget_axum(parts: &mut Parts) {
    parts.extensions.remove::<ConnectInfo<SocketAddr>>();
    parts.extensions.remove::<OriginalUri>();
    parts.extensions.remove::<MatchedPath>();
    parts.extensions.remove::<NestedPath>();
    // The type of the path's parameters is private to axum, so they can only be removed together
    // with the whole map, if it contains nothing else.
    let params = RawPathParams::from_request_parts(parts, &()).now_or_never();
    let missing = matches!(params, Some(Err(RawPathParamsRejection::MissingPathParams(_))));
    if parts.extensions.len() <= usize::from(!missing) {
        // A cleared map would keep its allocation.
        parts.extensions = Extensions::new();
    }
}

/// Unwraps the TCP socket of `topicast::serve` or `axum::serve`. Any other stream is used as it is.
fn transport_of(upgraded: Upgraded) -> (Transport, Bytes) {
    let upgraded = match upgraded.downcast::<TokioIo<HttpStream<TcpStream>>>() {
        Ok(ours) => return (Transport::tcp(ours.io.into_inner().into_inner()), ours.read_buf),
        Err(upgraded) => upgraded,
    };
    match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(axums) => (Transport::tcp(axums.io.into_inner()), axums.read_buf),
        Err(upgraded) => (Transport::other(TokioIo::new(upgraded)), Bytes::new()),
    }
}

/// Validates a handshake and returns the value of `Sec-WebSocket-Accept`.
fn validate(parts: &Parts, body: &Body) -> Result<HeaderValue, Rejection> {
    let bad = |status, message: &str| Err(Rejection::new(status, "bad_handshake", message));
    if parts.method != Method::GET {
        return bad(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket handshake is a GET request");
    }
    if !has_token(&parts.headers, &header::CONNECTION, "upgrade")
        || !has_token(&parts.headers, &header::UPGRADE, "websocket")
    {
        let message = "this is a WebSocket endpoint; send `Connection: Upgrade` and `Upgrade: websocket`";
        return Err(Rejection::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", message));
    }
    if parts.headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return bad(StatusCode::UPGRADE_REQUIRED, "`Sec-WebSocket-Version` must be 13");
    }
    let Some(key) = parts.headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())) else {
        return bad(StatusCode::BAD_REQUEST, "`Sec-WebSocket-Key` must be 16 bytes in base64");
    };
    // Where the frames begin would depend on how much of the body came with the head.
    if !hyper::body::Body::is_end_stream(body) {
        return bad(StatusCode::BAD_REQUEST, "a WebSocket handshake has no body");
    }
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    Ok(HeaderValue::from_str(&accept).expect("base64 is visible ASCII"))
}

/// Returns true if the key is 16 bytes in base64: 22 digits and the padding (RFC 6455, section 4.2.1).
fn is_key(key: &[u8]) -> bool {
    let digits = key.strip_suffix(b"==").unwrap_or_default();
    digits.len() == 22 && digits.iter().all(|digit| digit.is_ascii_alphanumeric() || matches!(digit, b'+' | b'/'))
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn refuse(rejection: &Rejection) -> Response {
    let body = serde_json::json!({ "code": rejection.code, "message": rejection.message }).to_string();
    let mut response = (rejection.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let headers = response.headers_mut();
    match rejection.status {
        // RFC 9110, section 15.5.22, and RFC 6455, section 4.4.
        StatusCode::UPGRADE_REQUIRED => {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
        }
        _ => {}
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::{Extension, Router, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_session_keeps_the_applications_extensions_and_none_of_axums() {
        let endpoint = |request: Request<Body>| async {
            let (mut parts, _) = request.into_parts();
            forget_axum(&mut parts);
            let kept = parts.extensions.get::<&str>().copied().unwrap_or("nothing");
            format!("{kept}, {}", parts.extensions.is_empty())
        };
        let router = Router::new().nest("/{version}", Router::new().route("/{room}", get(endpoint)));
        let check = async |router: Router, expected: &str| {
            let mut request = Request::get("/v1/a").body(Body::empty()).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
            let body = router.oneshot(request).await.unwrap().into_body();
            assert_eq!(axum::body::to_bytes(body, 64).await.unwrap(), expected);
        };
        check(router.clone(), "nothing, true").await;
        check(router.layer(Extension("the user")), "the user, false").await;
    }
}
