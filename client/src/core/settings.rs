//! What a user may set about a client, as far as the core has to know it.

use std::time::Duration;

use crate::backoff::Backoff;

/// Times and bounds of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) backoff: Backoff,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    /// How long a server has to answer a close.
    pub(crate) close_timeout: Duration,
    pub(crate) heartbeat: Duration,
    /// How long the server may be silent after a ping.
    pub(crate) silence: Duration,
    /// How many requests may wait to be sent.
    pub(crate) queue: usize,
    /// The largest message that is sent.
    pub(crate) send_bytes: usize,
}

/// As good as for ever; later times are more than an `Instant` may hold.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Settings {
    /// With times that can be added to the present one.
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
