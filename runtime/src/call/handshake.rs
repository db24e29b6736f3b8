//! Who may connect: the request as `authenticate` sees it, and how it is refused.

use std::{any::Any, fmt, net::SocketAddr, sync::Arc};

use http::{HeaderMap, StatusCode, Uri, request::Parts};

use crate::call::router::Pending;

/// A request to upgrade, before it is accepted.
///
/// `authenticate` owns it: the state, the request's head, and whatever the tower layers
/// of the application put into its extensions. All of those stay with the session.
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
    /// The state given to [`Builder::state`](crate::Builder::state).
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The request's target, with its query.
    pub fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// A value that a tower layer left in the request's extensions.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.parts.extensions.get::<T>()
    }

    /// The peer's address, where axum's `ConnectInfo` or `topicast::serve` tells it.
    pub fn peer(&self) -> Option<SocketAddr> {
        peer(&self.parts)
    }

    /// The head of the request.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }
}

pub(crate) fn peer(parts: &Parts) -> Option<SocketAddr> {
    parts.extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// Why a handshake is refused: an HTTP status and `{"code","message"}`, not an upgrade
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
    /// 401: nobody is known by these credentials.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: known, but not allowed here.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 429: too many handshakes from there.
    pub fn rate_limited(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message)
    }

    /// 503: not now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// The HTTP status.
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

/// `authenticate` with its types forgotten: puts the value it returns into the extensions.
pub(crate) type Authenticate =
    Box<dyn Fn(Arc<dyn Any + Send + Sync>, Parts) -> Pending<'static, Result<Parts, Rejection>> + Send + Sync>;

/// Forgets the types of `authenticate`.
///
/// The function owns the handshake, so the head it sees is a copy; the extensions of the
/// session are those of the request and the value that is returned.
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
