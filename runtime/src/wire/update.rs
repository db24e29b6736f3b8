//! An encoded update: one frame for all subscribers, and how to add `skipped` for a subscriber
//! that missed updates.

use std::sync::Arc;

use crate::wire::{
    envelope::{Message, number, string},
    frame::Frame,
};

/// An encoded update.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) frame: Frame,
    /// The number of the update in its topic.
    pub(crate) seq: u64,
    /// The offset in the payload at which `skipped` is inserted.
    pub(crate) skipped_offset: usize,
}

/// The start of the envelope of a topic's updates, up to `seq`, encoded once.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(Arc<[u8]>);

impl Prefix {
    pub(crate) fn new(kind: &str, topic: &str) -> Self {
        let mut prefix = b"{\"type\":".to_vec();
        string(&mut prefix, kind);
        prefix.extend_from_slice(b",\"topic\":");
        string(&mut prefix, topic);
        prefix.extend_from_slice(b",\"seq\":");
        Self(prefix.into())
    }

    /// Encodes an update whose payload is already JSON text.
    pub(crate) fn update(&self, seq: u64, payload: &[u8]) -> Update {
        let mut skipped_offset = 0;
        let frame = Frame::text(self.0.len() + payload.len() + 32, |out| {
            let start = out.len();
            out.extend_from_slice(&self.0);
            number(out, seq);
            skipped_offset = out.len() - start;
            out.extend_from_slice(b",\"payload\":");
            out.extend_from_slice(payload);
            out.push(b'}');
        });
        Update { frame, seq, skipped_offset }
    }
}

/// Encodes an update again with `skipped` in place of `reported`, the count that the frame carries
/// so far. 0 stands for no such member.
pub(crate) fn with_skipped(frame: &Frame, skipped_offset: usize, reported: u64, skipped: u64) -> Frame {
    let text = frame.payload();
    let mut old = Vec::new();
    write_skipped(&mut old, reported);
    Frame::text(text.len() + 32, |out| {
        out.extend_from_slice(&text[..skipped_offset]);
        write_skipped(out, skipped);
        out.extend_from_slice(&text[skipped_offset + old.len()..]);
    })
}

fn write_skipped(out: &mut Vec<u8>, skipped: u64) {
    if skipped > 0 {
        out.extend_from_slice(b",\"skipped\":");
        number(out, skipped);
    }
}

/// Encodes a message about a topic other than an update: `R.snapshot`, `R.unsubscribed`.
pub(crate) fn topic_message(kind: &str, topic: &str, seq: Option<u64>, payload: &[u8]) -> Frame {
    Frame::text(payload.len() + topic.len() + 64, |out| {
        Message { kind, topic: Some(topic), seq, payload: Some(payload), ..Message::default() }.write(out);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_encoded_as_the_message_it_stands_for_with_and_without_skipped() {
        let long = format!("\"{}\"", "x".repeat(70_000));
        for payload in ["{}", "{\"time\":1}", &format!("\"{}\"", "y".repeat(110)), &long] {
            let update = Prefix::new("bars.update", "bars:{\"symbol\":\"A\\\"\"}").update(17, payload.as_bytes());
            let mut frame = update.frame.clone();
            let mut reported = 0;
            for skipped in [0, 3, 1000, 7] {
                let mut expected = Vec::new();
                let topic = Some("bars:{\"symbol\":\"A\\\"\"}");
                let payload = Some(payload.as_bytes());
                Message { kind: "bars.update", topic, seq: Some(17), skipped, payload, ..Message::default() }
                    .write(&mut expected);
                frame = with_skipped(&frame, update.skipped_offset, reported, skipped);
                reported = skipped;
                assert_eq!(frame.payload(), expected);
            }
        }
    }
}
