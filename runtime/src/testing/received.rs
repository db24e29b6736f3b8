//! The messages that a client received, for the panics of its waits.

use std::{collections::VecDeque, fmt};

/// The number of messages that a panic lists.
const LISTED: usize = 20;

/// The number of characters of a message that a panic shows.
const LINE: usize = 300;

/// The latest messages and the number of all messages.
#[derive(Debug, Default)]
pub(super) struct Received {
    count: u64,
    latest: VecDeque<String>,
}

impl Received {
    pub(super) fn record(&mut self, message: &str) {
        self.count += 1;
        if self.latest.len() == LISTED {
            self.latest.pop_front();
        }
        let end = message.char_indices().nth(LINE);
        self.latest.push_back(end.map_or_else(|| message.to_owned(), |(end, _)| format!("{}…", &message[..end])));
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => return f.write_str("nothing was received"),
            count if count > LISTED as u64 => {
                write!(f, "received {count} messages, the latest {LISTED} of which are:")?;
            }
            1 => f.write_str("received 1 message:")?,
            count => write!(f, "received {count} messages:")?,
        }
        self.latest.iter().try_for_each(|message| write!(f, "\n  {message}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_messages_are_listed_and_all_are_counted() {
        let mut received = Received::default();
        assert_eq!(received.to_string(), "nothing was received");
        received.record("1");
        assert_eq!(received.to_string(), "received 1 message:\n  1");
        (2..=LISTED).for_each(|number| received.record(&number.to_string()));
        assert!(received.to_string().starts_with("received 20 messages:\n  1\n  2\n"));
        received.record(&"é".repeat(LINE + 1));
        let text = received.to_string();
        assert!(text.starts_with("received 21 messages, the latest 20 of which are:\n  2\n"), "{text}");
        assert!(text.ends_with(&format!("\n  {}…", "é".repeat(LINE))), "{text}");
    }
}
