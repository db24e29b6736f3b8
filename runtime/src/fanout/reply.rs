//! A reply whose number only the shard knows.

use std::fmt;

use crate::wire::Frame;

/// What a reply that is not encoded yet counts against limits.
pub(crate) const REPLY_WEIGHT: usize = 512;

/// Encodes a reply that carries a number.
pub(crate) struct Reply(pub(crate) Box<dyn FnOnce(u64) -> Frame + Send>);

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}
