//! A server's WebSocket frame: encoded once and shared between subscribers.

use std::sync::Arc;

use crate::wire::close::CloseCode;

/// An encoded frame, header and payload contiguous. A server's frames are not masked (RFC 6455,
/// section 5.1), so all subscribers share the same bytes; cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Frame(Arc<[u8]>);

/// The maximum payload of a control frame (RFC 6455, section 5.5).
const MAX_CONTROL_BYTES: usize = 125;

/// The approximate memory of the smallest queued frame, its queue entry and allocation included.
const MIN_WEIGHT: usize = 128;

/// The maximum header of an unmasked frame: two bytes and a 64-bit length.
const MAX_HEADER_BYTES: usize = 10;

impl Frame {
    /// Encodes a text message. `write` appends its payload.
    pub(crate) fn text(expected_bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        Self::data(0x1, expected_bytes, write)
    }

    /// Encodes a binary message.
    pub(crate) fn binary(payload: &[u8]) -> Self {
        Self::data(0x2, payload.len(), |out| out.extend_from_slice(payload))
    }

    /// Encodes a ping without a payload.
    pub(crate) fn ping() -> Self {
        Self(Arc::from([0x89, 0].as_slice()))
    }

    /// Encodes a close frame. A reason that does not fit is truncated at a character boundary.
    pub(crate) fn close(code: CloseCode, reason: &str) -> Self {
        let reason = &reason[..reason.floor_char_boundary(MAX_CONTROL_BYTES - 2)];
        let len = u8::try_from(reason.len() + 2).expect("a control payload has at most 125 bytes");
        let mut bytes = vec![0x88, len];
        bytes.extend_from_slice(&code.get().to_be_bytes());
        bytes.extend_from_slice(reason.as_bytes());
        Self(bytes.into())
    }

    /// Wraps a frame that is already encoded.
    pub(crate) fn encoded(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns what the frame counts against byte limits. A small frame counts as more than its
    /// length, because a queue entry takes more memory than that.
    pub(crate) fn weight(&self) -> usize {
        self.0.len().max(MIN_WEIGHT)
    }

    /// Returns the payload.
    pub(crate) fn payload(&self) -> &[u8] {
        let header = match self.0[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        &self.0[header..]
    }

    /// Encodes a data frame. The payload is written after space for the longest header, so that it
    /// does not move once its length is known.
    fn data(opcode: u8, expected_bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(MAX_HEADER_BYTES + expected_bytes);
        bytes.resize(MAX_HEADER_BYTES, 0);
        write(&mut bytes);
        let len = bytes.len() - MAX_HEADER_BYTES;
        let mut header = [0x80 | opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let header_len = if let Ok(len @ ..=125) = u8::try_from(len) {
            header[1] = len;
            2
        } else if let Ok(len) = u16::try_from(len) {
            header[1] = 126;
            header[2..4].copy_from_slice(&len.to_be_bytes());
            4
        } else {
            header[1] = 127;
            header[2..10].copy_from_slice(&(len as u64).to_be_bytes());
            10
        };
        let start = MAX_HEADER_BYTES - header_len;
        bytes[start..MAX_HEADER_BYTES].copy_from_slice(&header[..header_len]);
        Self(Arc::from(&bytes[start..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_the_shortest_encoding() {
        let header = |len: usize| {
            let frame = Frame::binary(&vec![7; len]);
            frame.bytes()[..frame.bytes().len() - len].to_vec()
        };
        assert_eq!(header(0), [0x82, 0]);
        assert_eq!(header(125), [0x82, 125]);
        assert_eq!(header(126), [0x82, 126, 0, 126]);
        assert_eq!(header(65_535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(header(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_long_close_reason_is_truncated_at_a_character_boundary() {
        let frame = Frame::close(CloseCode::UNSUPPORTED, &"é".repeat(100));
        assert_eq!(frame.bytes()[1], 124);
        assert!(std::str::from_utf8(&frame.bytes()[4..]).is_ok());
    }
}
