//! What the publishers did.

use std::collections::{BTreeMap, HashMap};

use topicast_tests::kinds::Side;

/// The rows of a table: its sizes by their keys.
pub(crate) type Levels = BTreeMap<(Side, u32), u64>;

/// The state of a topic after an update: the number of the event, or the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Value(u64),
    Rows(Levels),
}

/// What the publishers did: for each topic, the state after each update.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) states: Vec<State>,
    /// The index in `states` of the number 0 of each epoch.
    pub(crate) epochs: HashMap<String, i64>,
}

impl Log {
    pub(crate) fn new(table: bool) -> Self {
        let first = if table { State::Rows(BTreeMap::new()) } else { State::Value(0) };
        Self { states: vec![first], epochs: HashMap::new() }
    }

    pub(crate) fn last(&self) -> &State {
        self.states.last().unwrap()
    }

    /// Checks that a client's state is that of its position. The first state that a client reports of
    /// an epoch determines where the epoch begins.
    pub(crate) fn check(&mut self, epoch: &str, seq: u64, state: &State, context: &str) {
        let seq = i64::try_from(seq).unwrap();
        let begin = *self.epochs.entry(epoch.to_owned()).or_insert_with(|| {
            let at = self.states.iter().rposition(|of| of == state);
            i64::try_from(at.unwrap_or_else(|| panic!("{context}: {state:?} was never published"))).unwrap() - seq
        });
        let expected = usize::try_from(begin + seq).ok().and_then(|at| self.states.get(at));
        assert_eq!(expected, Some(state), "{context}: at {seq} of epoch {epoch}");
    }
}
