//! The settings of a client that its state machine needs.

use std::time::Duration;

use crate::backoff::Backoff;

/// Timeouts and limits of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) backoff: Backoff,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    /// How long to wait for the server's close frame.
    pub(crate) close_timeout: Duration,
    pub(crate) heartbeat: Duration,
    /// How long to wait for any frame after a ping.
    pub(crate) silence: Duration,
    /// The limit of requests that wait to be sent, or for their replies.
    pub(crate) queue: usize,
    /// The largest message that is sent, in bytes.
    pub(crate) send_bytes: usize,
}

/// An upper bound that can be added to any `Instant` without overflow.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Settings {
    /// Returns the settings with every duration limited to what an `Instant` can hold.
    pub(super) fn bounded(self) -> Self {
        let Backoff { base, cap, stable } = self.backoff;
        Self {
            backoff: Backoff { base, cap: cap.min(FOREVER), stable },
            connect_timeout: self.connect_timeout.min(FOREVER),
            request_timeout: self.request_timeout.min(FOREVER),
            close_timeout: self.close_timeout.min(FOREVER),
            heartbeat: self.heartbeat.min(FOREVER),
            silence: self.silence.min(FOREVER),
            queue: self.queue,
            send_bytes: self.send_bytes,
        }
    }
}
