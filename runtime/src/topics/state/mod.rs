//! What a topic keeps so that a subscriber can catch up from a number.

mod table;
mod numbered;

#[expect(unused_imports, reason = "topics keep no state yet")]
pub(crate) use table::{CatchUp, Edit, Table, TableError};
