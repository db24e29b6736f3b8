//! How a topic takes updates: it numbers them, keeps what its kind requires and hands them to shards.

use super::{LiveTopic, State};
use crate::{
    fanout::Command,
    topics::state::{Content, Edit, History, Rows, Table, TableError},
    wire::PublishError,
};

impl LiveTopic {
    /// Assigns the next number to an update and sends the update to every shard that has
    /// subscribers. Both happen under one lock, so that all shards get updates in numerical order.
    ///
    /// # Errors
    /// When the value of a `latest` topic exceeds the budget for retained state.
    pub(crate) fn publish(&self, payload: &[u8]) -> Result<(), PublishError> {
        let mut state = self.lock();
        let seq = state.seq + 1;
        match &mut state.content {
            Content::Events(None) => {}
            Content::Events(Some(history)) => self.record(history, payload),
            Content::Latest(latest) => {
                self.check_room(payload.len().saturating_sub(latest.bytes()))?;
                latest.publish(seq, payload);
            }
            Content::Table(_) => return Err(PublishError::wrong_kind("a channel of events or `latest`")),
        }
        self.account(&state);
        self.number(&mut state, payload);
        Ok(())
    }

    /// Assigns the next number to an update without encoding it, if the topic retains nothing and
    /// has no subscribers. Returns false otherwise.
    pub(crate) fn skip_if_empty(&self) -> bool {
        if self.subscribers() > 0 {
            return false;
        }
        let mut state = self.lock();
        let skips = state.subscribers == 0 && matches!(state.content, Content::Events(None));
        if skips {
            state.seq += 1;
            state.unused = false;
        }
        skips
    }

    /// Changes rows of a table. All edits have one number and are one message. Edits that change
    /// nothing have none.
    ///
    /// # Errors
    /// When the table would exceed its limit or the budget, or a row cannot be part of it. Nothing
    /// changes then.
    pub(crate) fn edit(&self, edits: Vec<Edit>) -> Result<(), PublishError> {
        self.change_table(|table, seq| table.apply(seq, edits))
    }

    /// Replaces all rows of a table, with the smallest difference.
    ///
    /// # Errors
    /// As [`edit`](Self::edit), and when two rows have the same key.
    pub(crate) fn replace(&self, rows: Rows) -> Result<(), PublishError> {
        self.change_table(|table, seq| table.replace(seq, rows))
    }

    fn change_table(
        &self,
        change: impl FnOnce(&mut Table, u64) -> Result<Option<Vec<u8>>, TableError>,
    ) -> Result<(), PublishError> {
        let mut state = self.lock();
        let seq = state.seq + 1;
        let Content::Table(table) = &mut state.content else { return Err(PublishError::wrong_kind("a table")) };
        let mut changed = table.clone();
        let payload = change(&mut changed, seq).map_err(PublishError::table)?;
        self.check_room(changed.bytes().saturating_sub(table.bytes()))?;
        *table = changed;
        self.account(&state);
        if let Some(payload) = payload {
            self.number(&mut state, &payload);
        }
        Ok(())
    }

    pub(super) fn check_room(&self, bytes: usize) -> Result<(), PublishError> {
        let budget = &self.commons.budget;
        if budget.has_room(bytes) { Ok(()) } else { Err(PublishError::over_budget(budget.limit())) }
    }

    /// Adds an update to the history. The oldest updates make room for it if the budget is used up.
    fn record(&self, history: &mut History, payload: &[u8]) {
        let bytes = History::cost(payload);
        while !self.commons.budget.has_room(bytes) {
            if !history.pop() {
                // Without memory the history covers nothing, and no gap can be recovered.
                return;
            }
            // What was removed counts at once.
            self.account_bytes(history.bytes());
        }
        history.push(payload);
    }

    /// Assigns the next number to an update and sends it to the shards that have subscribers.
    fn number(&self, state: &mut State, payload: &[u8]) {
        state.seq += 1;
        state.unused = false;
        if state.subscribers == 0 {
            return;
        }
        let update = self.prefix.update(state.seq, payload);
        for (shard, _) in &state.shards {
            shard.push(Command::Deliver { topic: self.id, update: update.clone() });
        }
    }
}
