//! Numbers that name connections and topics within a process.

/// Which connection of a shard is meant. Slots are used again; the number never is,
/// so that a late command cannot reach a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) slot: u32,
    pub(crate) number: u64,
}

/// A topic's number within this process; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TopicId(pub(crate) u64);
