//! A place in a topic's numbering.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The position of a value in its topic: the topic's epoch, and the number of the value in it.
///
/// A program that stores what it receives can store the position with it, and
/// [recover](crate::Options::recover) from there in its next run. The position serializes as
/// `{"epoch":"…","seq":41}`.
///
/// ```
/// use topicast_client::Position;
///
/// let position: Position = serde_json::from_str(r#"{"epoch":"e","seq":41}"#)?;
/// assert_eq!((position.epoch(), position.seq()), ("e", 41));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct Position {
    epoch: Arc<str>,
    seq: u64,
}

/// The members of a position, as a subscribe request states them.
#[derive(Serialize, Deserialize)]
struct Parts {
    epoch: String,
    seq: u64,
}

impl Position {
    pub(crate) fn new(epoch: Arc<str>, seq: u64) -> Self {
        Self { epoch, seq }
    }

    /// Returns the epoch, which changes whenever the topic's numbering restarts.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Returns the number of the value.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

impl From<Parts> for Position {
    fn from(Parts { epoch, seq }: Parts) -> Self {
        Self { epoch: epoch.into(), seq }
    }
}

impl From<Position> for Parts {
    fn from(Position { epoch, seq }: Position) -> Self {
        Self { epoch: epoch.as_ref().to_owned(), seq }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of epoch {}", self.seq, self.epoch)
    }
}
