//! Authentication: the handshake that `authenticate` checks, and the rejection that it returns.

use std::{any::Any, fmt, net::SocketAddr, sync::Arc};

use http::{HeaderMap, StatusCode, Uri, request::Parts};

use crate::call::router::Pending;

/// An upgrade request that the server has not accepted yet.
///
/// `authenticate` receives it by value: the state, the request's head, and the extensions that
/// the application's tower layers added. The session keeps the extensions.
///
/// ```
/// use topicast::{Handshake, Rejection, Server};
///
/// #[derive(Clone)]
/// struct User { name: String }
///
/// async fn authenticate(handshake: Handshake) -> Result<User, Rejection> {
///     let header = handshake.headers().get("authorization").and_then(|value| value.to_str().ok());
///     match header.and_then(|value| value.strip_prefix("Bearer ")) {
///         Some("secret") => Ok(User { name: "Ada".into() }),
///         _ => Err(Rejection::unauthorized("send `Authorization: Bearer <token>`")),
///     }
/// }
/// let ws = Server::builder("Private", "1.0.0").authenticate(authenticate).build()?;
/// # Ok::<(), topicast::Error>(())
/// ```
#[derive(Debug)]
pub struct Handshake<S = ()> {
    state: Arc<S>,
    parts: Parts,
}

impl<S> Handshake<S> {
    /// Returns the state given to [`Builder::state`](crate::Builder::state).
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Returns the request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Returns the request's target, with its query.
    pub fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// Returns a value that a tower layer put into the request's extensions.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.parts.extensions.get::<T>()
    }

    /// Returns the peer's address, if axum's `ConnectInfo` or `topicast::serve` provides it.
    pub fn peer(&self) -> Option<SocketAddr> {
        peer(&self.parts)
    }

    /// Returns the head of the request.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }
}

pub(crate) fn peer(parts: &Parts) -> Option<SocketAddr> {
    parts.extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// The refusal of a handshake: an HTTP status and `{"code","message"}` instead of an upgrade
/// (`docs/protocol.md`, "Connection").
///
/// ```
/// let rejection = topicast::Rejection::forbidden("this account is closed");
/// assert_eq!(rejection.status(), 403);
/// assert_eq!(rejection.to_string(), "403 forbidden: this account is closed");
/// ```
#[derive(Debug, Clone)]
pub struct Rejection {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Rejection {
    /// Creates a 401 rejection: the credentials are missing or unknown.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// Creates a 403 rejection: the client is known and lacks the permission.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// Creates a 429 rejection: the client sends too many handshakes.
    pub fn rate_limited(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message)
    }

    /// Creates a 503 rejection: the server cannot accept the client now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.message)
    }
}

impl std::error::Error for Rejection {}

/// The type-erased `authenticate`, which adds its return value to the extensions.
pub(crate) type Authenticate =
    Box<dyn Fn(Arc<dyn Any + Send + Sync>, Parts) -> Pending<'static, Result<Parts, Rejection>> + Send + Sync>;

/// Erases the types of `authenticate`.
///
/// The function receives a copy of the request's head. The session's extensions are those of the
/// request and the value that the function returns.
pub(crate) fn authenticate<S, T, F, Fut>(function: F) -> Authenticate
where
    S: Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    F: Fn(Handshake<S>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Rejection>> + Send + 'static,
{
    Box::new(move |state, mut parts| {
        let state = state.downcast::<S>().expect("the builder's state has the type it was given with");
        let answer = function(Handshake { state, parts: parts.clone() });
        Box::pin(async move {
            parts.extensions.insert(answer.await?);
            Ok(parts)
        })
    })
}
