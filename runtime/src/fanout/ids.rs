//! Identifiers of connections and topics within a process.

/// Identifies a connection of a shard. Slots are reused and numbers are not, so that a late
/// command cannot reach another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) slot: u32,
    pub(crate) number: u64,
}

/// Identifies a topic within this process. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TopicId(pub(crate) u64);
