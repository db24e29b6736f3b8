//! An update on its way to subscribers: one frame for all of them, and the place where a
//! subscriber that missed some is told so.

use crate::wire::{
    envelope::{Message, number, string},
    frame::Frame,
};

/// An encoded update.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) frame: Frame,
    /// The topic's counter.
    pub(crate) seq: u64,
    /// Where in the text `skipped` would stand.
    pub(crate) split: usize,
}

/// The envelope of a topic's updates up to their number.
#[derive(Debug)]
pub(crate) struct Prefix(Box<[u8]>);

impl Prefix {
    pub(crate) fn new(kind: &str, topic: &str) -> Self {
        let mut prefix = b"{\"type\":".to_vec();
        string(&mut prefix, kind);
        prefix.extend_from_slice(b",\"topic\":");
        string(&mut prefix, topic);
        prefix.extend_from_slice(b",\"seq\":");
        Self(prefix.into())
    }

    /// Puts the envelope round a payload that is JSON text already.
    pub(crate) fn update(&self, seq: u64, payload: &[u8]) -> Update {
        let mut split = 0;
        let frame = Frame::text(self.0.len() + payload.len() + 32, |out| {
            let start = out.len();
            out.extend_from_slice(&self.0);
            number(out, seq);
            split = out.len() - start;
            out.extend_from_slice(b",\"payload\":");
            out.extend_from_slice(payload);
            out.push(b'}');
        });
        Update { frame, seq, split }
    }
}

/// Makes a subscriber's own frame of a shared one: after `split` it says how many updates
/// were skipped, where it says `told` until now.
pub(crate) fn tell_skipped(frame: &Frame, split: usize, told: u64, skipped: u64) -> Frame {
    let text = frame.payload();
    let mut old = Vec::new();
    write_skipped(&mut old, told);
    Frame::text(text.len() + 32, |out| {
        out.extend_from_slice(&text[..split]);
        write_skipped(out, skipped);
        out.extend_from_slice(&text[split + old.len()..]);
    })
}

fn write_skipped(out: &mut Vec<u8>, skipped: u64) {
    if skipped > 0 {
        out.extend_from_slice(b",\"skipped\":");
        number(out, skipped);
    }
}

/// A message of a topic that is no update: `R.snapshot`, `R.unsubscribed`.
pub(crate) fn topic_message(kind: &str, topic: &str, seq: Option<u64>, payload: &[u8]) -> Frame {
    Frame::text(payload.len() + topic.len() + 64, |out| {
        Message { kind, topic: Some(topic), seq, payload: Some(payload), ..Message::default() }.write(out);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_the_message_of_the_contract_with_and_without_skipped() {
        let long = format!("\"{}\"", "x".repeat(70_000));
        for payload in ["{}", "{\"time\":1}", &format!("\"{}\"", "y".repeat(110)), &long] {
            let update = Prefix::new("bars.update", "bars:{\"symbol\":\"A\\\"\"}").update(17, payload.as_bytes());
            let mut frame = update.frame.clone();
            let mut told = 0;
            for skipped in [0, 3, 1000, 7] {
                let mut expected = Vec::new();
                let topic = Some("bars:{\"symbol\":\"A\\\"\"}");
                let payload = Some(payload.as_bytes());
                Message { kind: "bars.update", topic, seq: Some(17), skipped, payload, ..Message::default() }
                    .write(&mut expected);
                frame = tell_skipped(&frame, update.split, told, skipped);
                told = skipped;
                assert_eq!(frame.payload(), expected);
            }
        }
    }
}
