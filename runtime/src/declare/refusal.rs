//! Refusals: error replies to well-formed requests, after which the connection stays open.

use std::{borrow::Cow, fmt, time::Duration};

/// The reason why the server refuses a well-formed request.
///
/// The client receives `{"status":"error",…,"code","message","retryable","retry_after_ms"?}`
/// (`docs/protocol.md`, "Refusals"). There is a constructor for each code of the protocol;
/// an application adds its own codes with [`Refusal::new`].
///
/// ```
/// # use topicast::Refusal;
/// let refusal = Refusal::unknown_symbol("no symbol `APPL`; see GET /symbols");
/// assert_eq!(refusal.code(), "unknown_symbol");
/// assert!(!refusal.is_retryable());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    retryable: bool,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// Creates a refusal with a code of the application, in snake_case. It is not retryable
    /// unless [`retryable`](Self::retryable) or [`retry_after`](Self::retry_after) makes it so.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), retryable: false, retry_after: None }
    }

    /// Creates an `unknown_symbol` refusal: the instrument does not exist.
    pub fn unknown_symbol(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unknown_symbol", message)
    }

    /// Creates a `forbidden` refusal: the session lacks the permission.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("forbidden", message)
    }

    /// Creates a `too_many_subscriptions` refusal: the connection has reached its limit.
    pub fn too_many_subscriptions(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("too_many_subscriptions", message)
    }

    /// Creates a `topic_too_long` refusal: the request's topic exceeds the limit.
    pub fn topic_too_long(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("topic_too_long", message)
    }

    /// Creates an `unsupported` refusal: the channel does not support what the request asks for.
    pub fn unsupported(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unsupported", message)
    }

    /// Creates a `rate_limited` refusal: too many requests; retryable after the given time.
    pub fn rate_limited(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::new("rate_limited", message).retry_after(retry_after)
    }

    /// Creates an `unavailable` refusal: the server cannot serve the request now; retryable.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unavailable", message).retryable()
    }

    /// Creates an `internal` refusal: the server failed; retryable.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("internal", message).retryable()
    }

    /// Creates the result of a hook that the application does not implement. It never reaches a
    /// client; its code is not in snake_case, so the application cannot have the same.
    #[cfg(feature = "server")]
    pub(crate) fn no_hook() -> Self {
        Self::new(NO_HOOK, "the channel has no such hook")
    }

    /// Returns true if the refusal is the result of a hook that the application does not implement.
    #[cfg(feature = "server")]
    pub(crate) fn is_no_hook(&self) -> bool {
        self.code == NO_HOOK
    }

    /// Marks the refusal as retryable: the same request may succeed later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Marks the refusal as retryable after a delay. The client receives the delay in whole
    /// milliseconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self.retryable()
    }

    /// Returns the code, in snake_case.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the human-readable message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns true if the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// Returns the delay after which the same request may succeed, if the refusal has one.
    pub fn retry_after_hint(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(feature = "server")]
const NO_HOOK: &str = "\0no hook";

/// The codes that every server may answer with. The documents contain all of them.
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "listed in documents"))]
pub(crate) const CODES: [&str; 8] = [
    "unknown_symbol",
    "forbidden",
    "too_many_subscriptions",
    "topic_too_long",
    "unsupported",
    "rate_limited",
    "unavailable",
    "internal",
];

/// Returns true if a code is in snake_case.
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "called when a server is built"))]
pub(crate) fn is_code(code: &str) -> bool {
    code.starts_with(|first: char| first.is_ascii_lowercase())
        && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}
