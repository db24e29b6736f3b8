//! Why a connection ended, or did not come about.

use std::{fmt, time::Duration};

use topicast::Refusal;

use crate::delay;

/// The end of a connection, or of the attempt to make one.
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
    /// What it means.
    pub cause: Cause,
    /// The close code, where the server closed.
    pub code: Option<u16>,
    /// What the server or the operating system says of it.
    pub reason: String,
    /// The `Retry-After` of a refused handshake, within the client's bounds.
    pub retry_after: Option<Duration>,
}

/// What the end of a connection means. The client connects again after every one, except that
/// it stops when the server [refuses its token](Cause::Unauthenticated) twice.
///
/// `docs/clients.md` has the table of close codes, and what becomes of the first unanswered
/// request.
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
    /// The stream ended or broke without a close.
    Lost,
    /// Nothing was heard for too long: the connection was half open.
    Silent,
    /// The server could not be reached.
    Unreachable,
    /// The server took too long to accept the connection.
    ConnectTimeout,
    /// The server answered the handshake with this HTTP status. 401 is treated as
    /// [`Unauthenticated`](Self::Unauthenticated).
    Rejected(u16),
    /// The token provider failed, so nothing was tried.
    NoToken,
    /// 1000: the server ended it, and nothing is wrong.
    Normal,
    /// 1001 and 1012: the server is going away, or starts again.
    GoingAway,
    /// 1002: one side broke the WebSocket protocol.
    Protocol,
    /// 1003 for a request that the server does not understand.
    Fault,
    /// 1003 for a time limit of the server.
    TimeLimit,
    /// 1007: text that is not UTF-8.
    InvalidText,
    /// 1008: against the server's policy.
    Policy,
    /// 1008 for a token that has expired.
    TokenExpired,
    /// 1008 for a token that is invalid, revoked or missing. The client connects once more, with
    /// another token where it has a provider, and stops if that is refused, too.
    Unauthenticated,
    /// 1008 for a rate limit; the client stays away for 30 s at least.
    RateLimited,
    /// 1009: a message was too big.
    TooBig,
    /// 1011: a handler of the server failed.
    ServerFailed,
    /// 1013: this client was too slow to read.
    TooSlow,
    /// The server does not read: what it has not taken exceeds the client's bound, or it took
    /// nothing from one ping to the next.
    NotReading,
    /// 3000 to 4999: a code of the application's own.
    Application(u16),
    /// A code that has no meaning here.
    Other(u16),
}

/// What becomes of the first unanswered request, for a server answers one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pending {
    /// A subscription is asked for on the next connection, with the others.
    Repeated,
    /// A subscription is asked for apart from the others, after a backoff of its own.
    Retried,
    /// It is never sent again.
    Failed,
}

impl Cause {
    /// The name under which both clients know it: `docs/clients.md` lists those of close codes.
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

    pub(crate) fn pending(self) -> Pending {
        match self {
            Self::Fault | Self::TooBig => Pending::Failed,
            // No request of this client's is wrong in itself, but one that ends the connection
            // every time must not take the other topics along every time.
            Self::Protocol | Self::InvalidText | Self::ServerFailed => Pending::Retried,
            _ => Pending::Repeated,
        }
    }

    /// The shortest wait before the next connection.
    pub(crate) fn least_wait(self) -> Duration {
        match self {
            Self::RateLimited => Duration::from_secs(30),
            Self::Protocol | Self::InvalidText | Self::Policy => Duration::from_secs(1),
            _ => Duration::ZERO,
        }
    }

    /// Whether the server does not accept the client's token.
    pub(crate) fn refuses_token(self) -> bool {
        matches!(self, Self::Unauthenticated | Self::Rejected(401))
    }
}

/// How the reason of a time limit begins; any other reason of 1003 tells a fault.
const TIME_LIMIT: &str = "Connection timed out.";

/// What stands before the heartbeat interval in the reason of a time limit.
const HEARTBEAT: &str = "Heartbeat interval ";

/// The reason of a fault that is an operation the server does not have.
const UNKNOWN_TYPE: &str = "No matching type";

impl Disconnect {
    pub(crate) fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, code: None, reason: reason.into(), retry_after: None }
    }

    /// What a close frame says; one without a code is a normal end.
    pub(crate) fn closed(code: Option<u16>, reason: &str) -> Self {
        let cause = match code {
            None | Some(1000 | 1005) => Cause::Normal,
            Some(1001 | 1012) => Cause::GoingAway,
            Some(1002) => Cause::Protocol,
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

    /// What the handshake was answered with.
    pub(crate) fn rejected(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Body {
            code: String,
            message: String,
        }
        let reason = serde_json::from_slice(body).map(|Body { code, message }| format!("{code}: {message}"));
        let reason = reason.unwrap_or_else(|_| format!("HTTP status {status}"));
        Self { retry_after: retry_after.and_then(delay::of_handshake), ..Self::new(Cause::Rejected(status), reason) }
    }

    /// The interval between pings that satisfies the heartbeat interval in the reason.
    pub(crate) fn heartbeat(&self) -> Option<Duration> {
        let (_, rest) = self.reason.split_once(HEARTBEAT).filter(|_| self.cause == Cause::TimeLimit)?;
        delay::of_heartbeat(rest.split(". ").next()?)
    }

    /// How long the server wants this client to stay away.
    pub(crate) fn least_wait(&self) -> Duration {
        self.retry_after.unwrap_or_default().max(self.cause.least_wait())
    }

    /// The request that was the fault, refused for good.
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
            Cause::Silent => "the server fell silent",
            Cause::Unreachable => "the server cannot be reached",
            Cause::ConnectTimeout => "the server did not accept the connection in time",
            Cause::Rejected(_) => "the server refused the handshake",
            Cause::NoToken => "there is no token",
            Cause::NotReading => "the server does not read what the client sends",
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
    fn a_time_limit_is_told_from_a_fault_by_the_reason() {
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
