//! Why a connection ended, or could not be opened.

use std::{fmt, time::Duration};

use topicast::Refusal;

use crate::delay;

/// Why a connection ended, or why an attempt to connect failed.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use topicast_client::Client;
///
/// match Client::connect("ws://localhost:8000/ws").await {
///     Ok(_) => println!("connected"),
///     Err(error) => match error.disconnect() {
///         Some(why) => println!("{}, code {:?}: {}", why.cause.name(), why.code, why.reason),
///         None => println!("{error}"),
///     },
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// The cause.
    pub cause: Cause,
    /// The close code, if the server closed the connection.
    pub code: Option<u16>,
    /// The reason that the server or the operating system gives.
    pub reason: String,
    /// The `Retry-After` of a refused handshake, limited to the client's bounds.
    pub retry_after: Option<Duration>,
}

/// The cause of a [`Disconnect`]. The client reconnects after every cause, except that it stops
/// when the server [refuses its token](Cause::Unauthenticated) twice in a row.
///
/// `docs/clients.md` lists the close codes, and how each affects the first unanswered request.
///
/// ```
/// use topicast_client::Cause;
///
/// assert_eq!(Cause::TooSlow.name(), "slow");
/// assert_eq!(Cause::Application(4000).name(), "application");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The stream ended without a close frame.
    Lost,
    /// Nothing arrived within the limit after a ping: the connection was half open.
    Silent,
    /// The server could not be reached.
    Unreachable,
    /// The server did not accept the connection in time.
    ConnectTimeout,
    /// The server answered the handshake with this HTTP status. The client treats 401 as
    /// [`Unauthenticated`](Self::Unauthenticated).
    Rejected(u16),
    /// The token provider failed, so the client did not connect.
    NoToken,
    /// 1000: the server closed the connection normally.
    Normal,
    /// 1001 and 1012: the server is going away or restarting.
    GoingAway,
    /// 1002, or a code that no close frame may contain: one side violated the WebSocket protocol.
    Protocol,
    /// 1003 for a request that the server does not understand.
    Fault,
    /// 1003 for a time limit of the server: heartbeat or connection lifespan.
    TimeLimit,
    /// 1007: text that is not UTF-8.
    InvalidText,
    /// 1008: a violation of the server's policy.
    Policy,
    /// 1008 for a token that has expired.
    TokenExpired,
    /// 1008 for a token that is invalid, revoked or missing. The client connects once more, with
    /// a new token from its provider if it has one, and stops if the server refuses that too.
    Unauthenticated,
    /// 1008 for a rate limit; the client waits at least 30 s before it reconnects.
    RateLimited,
    /// 1009: a message exceeded the server's size limit.
    TooBig,
    /// 1011: a handler of the server failed.
    ServerFailed,
    /// 1013: this client read too slowly.
    TooSlow,
    /// The server does not read: the unwritten bytes exceed the client's limit, or nothing could
    /// be written between two pings.
    NotReading,
    /// 3000 to 4999: a close code of the application.
    Application(u16),
    /// A close code that topicast does not define.
    Other(u16),
}

/// What the client does with the first unanswered request, which the server was handling when
/// the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnansweredRequest {
    /// A subscription is sent again on the next connection, with the others.
    Repeated,
    /// A subscription is sent again separately, after a backoff of its own.
    Retried,
    /// It is never sent again.
    Failed,
}

impl Cause {
    /// Returns the name of the cause, which all topicast clients share. `docs/clients.md` lists
    /// the names for close codes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Silent => "silent",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::Rejected(_) => "rejected",
            Self::NoToken => "no_token",
            Self::Normal => "normal",
            Self::GoingAway => "going_away",
            Self::Protocol => "protocol",
            Self::Fault => "fault",
            Self::TimeLimit => "time_limit",
            Self::InvalidText => "invalid_text",
            Self::Policy => "policy",
            Self::TokenExpired => "token_expired",
            Self::Unauthenticated => "unauthenticated",
            Self::RateLimited => "rate_limited",
            Self::TooBig => "too_big",
            Self::ServerFailed => "failed",
            Self::TooSlow => "slow",
            Self::NotReading => "not_reading",
            Self::Application(_) => "application",
            Self::Other(_) => "other",
        }
    }

    pub(crate) fn unanswered_request(self) -> UnansweredRequest {
        match self {
            Self::Fault | Self::TooBig => UnansweredRequest::Failed,
            // The request itself is valid, but if it ends every connection, it must not interrupt
            // the other topics every time.
            Self::Protocol | Self::InvalidText | Self::ServerFailed => UnansweredRequest::Retried,
            _ => UnansweredRequest::Repeated,
        }
    }

    /// Returns the shortest delay before the next attempt.
    pub(crate) fn least_wait(self) -> Duration {
        match self {
            Self::RateLimited => Duration::from_secs(30),
            Self::Protocol | Self::InvalidText | Self::Policy => Duration::from_secs(1),
            _ => Duration::ZERO,
        }
    }

    /// Returns true if the server did not accept the client's token.
    pub(crate) fn refuses_token(self) -> bool {
        matches!(self, Self::Unauthenticated | Self::Rejected(401))
    }
}

/// The start of a reason for a time limit; any other reason of 1003 is a fault.
const TIME_LIMIT: &str = "Connection timed out.";

/// The text before the heartbeat interval in the reason for a time limit.
const HEARTBEAT: &str = "Heartbeat interval ";

/// The reason for a fault if the server does not have the operation.
const UNKNOWN_TYPE: &str = "No matching type";

impl Disconnect {
    pub(crate) fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, code: None, reason: reason.into(), retry_after: None }
    }

    /// Interprets a close frame; without a code it is a normal close.
    pub(crate) fn closed(code: Option<u16>, reason: &str) -> Self {
        let cause = match code {
            None | Some(1000 | 1005) => Cause::Normal,
            Some(1001 | 1012) => Cause::GoingAway,
            // No close frame may contain the codes below 1000, nor 1015.
            Some(1002 | 1015 | ..=999) => Cause::Protocol,
            Some(1003) if reason.starts_with(TIME_LIMIT) => Cause::TimeLimit,
            Some(1003) => Cause::Fault,
            Some(1006) => Cause::Lost,
            Some(1007) => Cause::InvalidText,
            Some(1008) => match reason {
                "Token expired" => Cause::TokenExpired,
                "Invalid token" | "Token revoked" | "Authentication required" => Cause::Unauthenticated,
                "Rate limit exceeded" => Cause::RateLimited,
                _ => Cause::Policy,
            },
            Some(1009) => Cause::TooBig,
            Some(1011) => Cause::ServerFailed,
            Some(1013) => Cause::TooSlow,
            Some(code @ 3000..=4999) => Cause::Application(code),
            Some(other) => Cause::Other(other),
        };
        Self { code, ..Self::new(cause, reason) }
    }

    /// Interprets the response to a refused handshake.
    pub(crate) fn rejected(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Body {
            code: String,
            message: String,
        }
        let reason = serde_json::from_slice(body).map(|Body { code, message }| format!("{code}: {message}"));
        let reason = reason.unwrap_or_else(|_| format!("HTTP status {status}"));
        Self { retry_after: retry_after.and_then(delay::after_rejection), ..Self::new(Cause::Rejected(status), reason) }
    }

    /// Returns the ping interval that satisfies the heartbeat interval in the reason.
    pub(crate) fn heartbeat(&self) -> Option<Duration> {
        let (_, rest) = self.reason.split_once(HEARTBEAT).filter(|_| self.cause == Cause::TimeLimit)?;
        delay::ping_interval(rest.split(". ").next()?)
    }

    /// Returns the shortest delay before the next attempt, including what the server asks for.
    pub(crate) fn least_wait(&self) -> Duration {
        self.retry_after.unwrap_or_default().max(self.cause.least_wait())
    }

    /// Returns the refusal for the request that was the fault.
    pub(crate) fn fault(&self) -> Refusal {
        let code = match self.cause {
            Cause::TooBig => "too_big",
            _ if self.reason == UNKNOWN_TYPE => "unknown_type",
            _ => "invalid",
        };
        Refusal::new(code, self.reason.clone())
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.cause {
            Cause::Lost => "the connection was lost",
            Cause::Silent => "the server stopped responding",
            Cause::Unreachable => "the server cannot be reached",
            Cause::ConnectTimeout => "the server did not accept the connection in time",
            Cause::Rejected(_) => "the server refused the handshake",
            Cause::NoToken => "there is no token",
            Cause::NotReading => "the server does not read the client's messages",
            _ => "the server closed the connection",
        };
        f.write_str(what)?;
        if let Some(code) = self.code {
            write!(f, " with {code}")?;
        }
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for Disconnect {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_distinguishes_a_time_limit_from_a_fault() {
        let limit = Disconnect::closed(
            Some(1003),
            "Connection timed out. Heartbeat interval 4.5. Max connection lifespan 3600.0",
        );
        assert_eq!((limit.cause, limit.heartbeat()), (Cause::TimeLimit, Some(Duration::from_millis(1_500))));
        let unset = "Connection timed out. Heartbeat interval unset. Max connection lifespan 1.0";
        assert_eq!(Disconnect::closed(Some(1003), unset).heartbeat(), None);
        for (reason, code) in [("Could not validate payload", "invalid"), ("No matching type", "unknown_type")] {
            let fault = Disconnect::closed(Some(1003), reason);
            assert_eq!((fault.cause, fault.fault().code(), fault.fault().is_retryable()), (Cause::Fault, code, false));
        }
    }

    #[test]
    fn codes_have_meanings() {
        let check = |code, cause| assert_eq!(Disconnect::closed(code, "").cause, cause);
        check(None, Cause::Normal);
        check(Some(1001), Cause::GoingAway);
        check(Some(1011), Cause::ServerFailed);
        check(Some(1013), Cause::TooSlow);
        check(Some(999), Cause::Protocol);
        check(Some(1015), Cause::Protocol);
        check(Some(4000), Cause::Application(4000));
        check(Some(5000), Cause::Other(5000));
    }

    #[test]
    fn a_refused_handshake_says_why() {
        let rejected = Disconnect::rejected(503, Some("7"), br#"{"code":"unavailable","message":"going away"}"#);
        assert_eq!(rejected.to_string(), "the server refused the handshake: unavailable: going away");
        assert_eq!(rejected.least_wait(), Duration::from_secs(7));
        assert_eq!(Disconnect::rejected(404, None, b"").reason, "HTTP status 404");
    }
}
