//! Text in constants, where neither `==` nor `format!` is available.

/// Returns true if two strings are equal.
pub(crate) const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The message of a build that fails. It drops what exceeds its capacity.
pub(crate) struct Message {
    bytes: [u8; 2048],
    len: usize,
}

impl Message {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 2048], len: 0 }
    }

    /// Appends a text, or nothing of it if it does not fit.
    pub(crate) const fn push(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        if text.len() <= self.bytes.len() - self.len {
            let mut at = 0;
            while at < text.len() {
                self.bytes[self.len + at] = text[at];
                at += 1;
            }
            self.len += text.len();
        }
        self
    }

    pub(crate) const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "the message is not UTF-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_equal_by_bytes() {
        assert!(same("é", "é") && same("", ""));
        assert!(!same("a", "b") && !same("a", "ab"));
    }

    #[test]
    fn a_message_keeps_whole_texts_up_to_its_capacity() {
        let message = Message::new().push("é").push(&"x".repeat(2047)).push("ü");
        assert_eq!(message.as_str(), "éü");
    }
}
