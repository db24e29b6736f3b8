//! What a topic keeps so that a subscriber can catch up from a number.

mod content;
mod history;
mod latest;
mod table;
mod numbered;
mod merges;

pub use content::Loaded;
pub(crate) use content::{Change, Content};
pub(crate) use history::History;
use latest::Latest;
pub(crate) use merges::Merges;
pub(crate) use table::{CatchUp, Edit, Rows, Table, TableError};
