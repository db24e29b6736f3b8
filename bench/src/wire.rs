//! As much of RFC 6455 as a reader of updates needs, and a floor that sends them.

/// The upgrade request of every connection, always with the same key.
pub(crate) const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// The answer that RFC 6455, section 1.3, has for that key.
pub(crate) const SWITCHING: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A whole frame at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) last: bool,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) payload: &'a [u8],
    /// Bytes of the frame, header included.
    pub(crate) bytes: usize,
}

/// The frame that these bytes begin with, or nothing while it is not whole.
#[inline]
pub(crate) fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (len, rest) = match second & 0x7f {
        126 => {
            let (len, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*len)), rest)
        }
        127 => {
            let (len, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*len)).ok()?, rest)
        }
        len => (usize::from(len), rest),
    };
    let (mask, rest) = if second & 0x80 == 0 {
        (None, rest)
    } else {
        let (mask, rest) = rest.split_first_chunk::<4>()?;
        (Some(*mask), rest)
    };
    let payload = rest.get(..len)?;
    let bytes = bytes.len() - (rest.len() - len);
    Some(Frame { opcode: first & 0x0f, last: first & 0x80 != 0, mask, payload, bytes })
}

impl Frame<'_> {
    /// The payload as its sender meant it.
    pub(crate) fn unmasked(&self) -> Vec<u8> {
        let mask = self.mask.unwrap_or_default();
        self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    }
}

/// A frame of a client. A mask of zeros is a mask, and leaves the payload as it is.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, payload.len(), 0x80);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// A frame of a server.
pub(crate) fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

fn header(opcode: u8, len: usize, mask_bit: u8) -> Vec<u8> {
    let mut header = Vec::with_capacity(14 + len);
    header.push(0x80 | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..126), _) => header.push(mask_bit | len),
        (_, Ok(len)) => {
            header.push(mask_bit | 126);
            header.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            header.push(mask_bit | 127);
            header.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_come_back() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            for bytes in [masked(TEXT, &payload), unmasked(TEXT, &payload)] {
                for cut in [0, 1, 2, bytes.len() - 1] {
                    assert_eq!(frame(&bytes[..cut]).filter(|_| cut < bytes.len()), None);
                }
                let mut more = bytes.clone();
                more.extend_from_slice(b"next");
                let found = frame(&more).unwrap();
                assert!(found.last && found.opcode == TEXT && found.bytes == bytes.len());
                assert_eq!(found.unmasked(), payload);
            }
        }
    }
}
