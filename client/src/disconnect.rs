//! Why a connection ended, or did not come about.

use std::{fmt, time::Duration};

use topicast::Refusal;

/// The end of a connection, or of the attempt to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect {
    /// What it means.
    pub cause: Cause,
    /// The close code, where the server closed.
    pub code: Option<u16>,
    /// What the server or the operating system says of it.
    pub reason: String,
}

/// What the end of a connection means. After every one the client connects again; a request
/// that was the [fault](Cause::Fault), or [too big](Cause::TooBig), is not sent again.
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
    /// The server answered the handshake with this HTTP status.
    Rejected(u16),
    /// The token provider failed, so nothing was tried.
    NoToken,
    /// 1000: the server ended it, and nothing is wrong.
    Normal,
    /// 1001: the server is going away.
    GoingAway,
    /// 1002, or what the client itself could not read.
    Protocol,
    /// 1003 for a request that the server does not understand.
    Fault,
    /// 1003 for a time limit of the server.
    TimeLimit,
    /// 1007: text that is not UTF-8.
    InvalidText,
    /// 1008: against the server's policy.
    Policy,
    /// 1009: a message was too big.
    TooBig,
    /// 1011: a handler of the server failed.
    ServerFailed,
    /// 1013: this client was too slow to read.
    TooSlow,
    /// A code of the application's own, or one that has no meaning here.
    Other(u16),
}

/// How the reason of a time limit begins; any other reason of 1003 tells a fault.
const TIME_LIMIT: &str = "Connection timed out.";

/// What stands before the heartbeat interval in the reason of a time limit.
const HEARTBEAT: &str = "Heartbeat interval ";

/// The reason of a fault that is an operation the server does not have.
const UNKNOWN_TYPE: &str = "No matching type";

impl Disconnect {
    pub(crate) fn new(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, code: None, reason: reason.into() }
    }

    /// What a close frame says; one without a code is a normal end.
    pub(crate) fn closed(code: Option<u16>, reason: &str) -> Self {
        let cause = match code {
            None | Some(1000 | 1005) => Cause::Normal,
            Some(1001) => Cause::GoingAway,
            Some(1002) => Cause::Protocol,
            Some(1003) if reason.starts_with(TIME_LIMIT) => Cause::TimeLimit,
            Some(1003) => Cause::Fault,
            Some(1007) => Cause::InvalidText,
            Some(1008) => Cause::Policy,
            Some(1009) => Cause::TooBig,
            Some(1011) => Cause::ServerFailed,
            Some(1013) => Cause::TooSlow,
            Some(other) => Cause::Other(other),
        };
        Self { cause, code, reason: reason.to_owned() }
    }

    /// What the handshake was answered with.
    pub(crate) fn rejected(status: u16, body: &[u8]) -> Self {
        #[derive(serde::Deserialize)]
        struct Body {
            code: String,
            message: String,
        }
        let reason = serde_json::from_slice(body).map(|Body { code, message }| format!("{code}: {message}"));
        Self::new(Cause::Rejected(status), reason.unwrap_or_else(|_| format!("HTTP status {status}")))
    }

    /// The heartbeat interval that the server enforces, where it tells.
    pub(crate) fn heartbeat(&self) -> Option<Duration> {
        let (_, rest) = self.reason.split_once(HEARTBEAT).filter(|_| self.cause == Cause::TimeLimit)?;
        let seconds = rest.split(". ").next()?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok().filter(|interval| !interval.is_zero())
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
            "Connection timed out. Heartbeat interval 0.3. Max connection lifespan 3600.0",
        );
        assert_eq!((limit.cause, limit.heartbeat()), (Cause::TimeLimit, Some(Duration::from_millis(300))));
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
        check(Some(4000), Cause::Other(4000));
    }

    #[test]
    fn a_refused_handshake_says_why() {
        let rejected = Disconnect::rejected(503, br#"{"code":"unavailable","message":"going away"}"#);
        assert_eq!(rejected.to_string(), "the server refused the handshake: unavailable: going away");
        assert_eq!(Disconnect::rejected(404, b"").reason, "HTTP status 404");
    }
}
