//! The state of a `latest` topic: its newest value.

use std::sync::Arc;

/// The newest value of a topic.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latest {
    value: Option<Arc<[u8]>>,
    /// The number of the update that set the value, or 0 if the application's hook did.
    seq: u64,
    known: bool,
}

impl Latest {
    /// Creates a state without a value. It is unknown until a hook or an update has set it.
    pub(crate) fn new(known: bool) -> Self {
        Self { known, ..Self::default() }
    }

    /// Sets the value that an update with the number `seq` carries.
    pub(crate) fn publish(&mut self, seq: u64, payload: &[u8]) {
        *self = Self { value: Some(payload.into()), seq, known: true };
    }

    /// Sets the value that the application's hook returned, unless an update has set one.
    pub(crate) fn fill(&mut self, value: Option<&[u8]>) {
        if !self.known {
            self.value = value.map(Arc::from);
            self.known = true;
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    pub(crate) fn value(&self) -> Option<&Arc<[u8]>> {
        self.value.as_ref()
    }

    /// Returns the value if it is newer than the number `from`.
    pub(crate) fn newer_than(&self, from: u64) -> Option<&Arc<[u8]>> {
        self.value.as_ref().filter(|_| self.seq > from)
    }

    /// Returns the memory that the value takes.
    pub(crate) fn bytes(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_overrides_what_the_hook_returns() {
        let mut latest = Latest::new(false);
        assert!(!latest.is_known());
        latest.publish(1, b"1");
        latest.fill(Some(b"0"));
        assert_eq!(latest.value().map(|value| value.to_vec()), Some(b"1".to_vec()));
        assert!(latest.is_known() && latest.newer_than(1).is_none() && latest.newer_than(0).is_some());

        let mut latest = Latest::new(false);
        latest.fill(Some(b"0"));
        assert!(latest.is_known() && latest.newer_than(0).is_none());
        assert_eq!(latest.bytes(), 1);
    }
}
