//! An answer of "no" that is not a fault of form: it costs the request, not the connection.

use std::{borrow::Cow, fmt, time::Duration};

/// Why a well-formed request was not granted.
///
/// It goes to the client as `{"status":"error",…,"code","message","retryable","retry_after_ms"?}`
/// (`docs/protocol.md`, "Refusals"). The constructors are the codes of the
/// contract; an application adds its own with [`Refusal::new`].
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
    /// A refusal with a code of the application's own, in snake_case. Not retryable
    /// unless [`retryable`](Self::retryable) or [`retry_after`](Self::retry_after) says so.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), retryable: false, retry_after: None }
    }

    /// `unknown_symbol`: there is no such instrument.
    pub fn unknown_symbol(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unknown_symbol", message)
    }

    /// `forbidden`: this session may not have it.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("forbidden", message)
    }

    /// `too_many_subscriptions`: this connection has as many as it may.
    pub fn too_many_subscriptions(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("too_many_subscriptions", message)
    }

    /// `rate_limited`: too many requests; retryable after the given time.
    pub fn rate_limited(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::new("rate_limited", message).retry_after(retry_after)
    }

    /// `unavailable`: not now; retryable.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("unavailable", message).retryable()
    }

    /// `internal`: the server failed; retryable.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new("internal", message).retryable()
    }

    /// The same request may succeed later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same request may succeed after this time, sent in whole milliseconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self.retryable()
    }

    /// The code, in snake_case.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What a person reads.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// When the same request may succeed.
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

/// The codes every server may answer with; all of them are in the documents.
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "listed in documents"))]
pub(crate) const CODES: [&str; 6] =
    ["unknown_symbol", "forbidden", "too_many_subscriptions", "rate_limited", "unavailable", "internal"];

/// Whether a code is in snake_case.
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "asked when a server is built"))]
pub(crate) fn is_code(code: &str) -> bool {
    code.starts_with(|first: char| first.is_ascii_lowercase())
        && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}
