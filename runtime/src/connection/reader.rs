//! The way in: bytes to messages, by tungstenite's protocol without any I/O of its own.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use bytes::Bytes;
use tungstenite::{
    Error, Message, Utf8Bytes,
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use crate::wire::CloseCode;

/// How much room a connection's decoder keeps for itself. What was read from the socket
/// lies in a buffer that the thread's connections share, so this is only for the parts of
/// a frame that came without their rest.
const READ_BUFFER_BYTES: usize = 64;

/// The decoder of one connection.
#[derive(Debug)]
pub(crate) struct Reader {
    context: WebSocketContext,
    /// What follows cannot be told apart into frames: it is read and forgotten.
    lost: bool,
}

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// A ping or pong; its answer, if it has one, is encoded already.
    Control(Option<Vec<u8>>),
    /// The peer's close frame: its code and reason, and the frame that answers it, which is
    /// empty if this side closed first.
    Close {
        #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "a server echoes it unread"))]
        code: u16,
        #[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "a server echoes it unread"))]
        reason: String,
        answer: Vec<u8>,
    },
}

impl Incoming {
    /// Bytes that wait while the message does.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Control(_) | Self::Close { .. } => 0,
        }
    }
}

/// Why the peer cannot be understood any more, as the code to close with and a reason.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) code: CloseCode,
    pub(crate) reason: String,
}

impl Reader {
    /// A decoder of a server's side. Both limits are in bytes of payload.
    pub(crate) fn server(max_message: usize, max_frame: usize) -> Self {
        Self::new(Role::Server, max_message, max_frame)
    }

    /// A decoder of a client's side.
    #[cfg(feature = "testing")]
    pub(crate) fn client() -> Self {
        Self::new(Role::Client, usize::MAX, usize::MAX)
    }

    fn new(role: Role, max_message: usize, max_frame: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_frame));
        Self { context: WebSocketContext::new(role, Some(config)), lost: false }
    }

    /// Encodes a message of a client, masked.
    #[cfg(feature = "testing")]
    pub(crate) fn encode(&mut self, message: Message) -> Vec<u8> {
        let mut stream = Slice { unread: &[], written: Vec::new() };
        // The only errors are of a context that is closed already; then nothing is written.
        let _ = self.context.write(&mut stream, message).and_then(|()| self.context.flush(&mut stream));
        stream.written
    }

    /// Decodes what was read.
    ///
    /// # Errors
    /// When the peer broke the protocol or a limit; messages before that are in `out`.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut VecDeque<Incoming>) -> Result<(), Broken> {
        // The context may not be asked again: after a frame that is too large it panics on the rest.
        if self.lost {
            return Ok(());
        }
        let mut stream = Slice { unread: bytes, written: Vec::new() };
        loop {
            let message = match self.context.read(&mut stream) {
                Ok(message) => message,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // The close handshake is complete; whatever follows it is of no interest.
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Ok(()),
                Err(error) => {
                    self.lost = true;
                    return Err(Broken::from(error));
                }
            };
            out.push_back(match message {
                Message::Text(text) => Incoming::Text(text),
                Message::Binary(bytes) => Incoming::Binary(bytes),
                Message::Ping(_) => Incoming::Control(Some(self.answer(&mut stream))),
                Message::Close(frame) => {
                    // 1005 stands for a close frame without a code (RFC 6455, section 7.1.5).
                    let (code, reason) =
                        frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                    Incoming::Close { code, reason, answer: self.answer(&mut stream) }
                }
                Message::Pong(_) | Message::Frame(_) => Incoming::Control(None),
            });
        }
    }
}

impl Reader {
    /// The frame that answers the last one. It was made while reading; flushing moves it
    /// out. After a close the context then reports that the connection is over.
    fn answer(&mut self, stream: &mut Slice<'_>) -> Vec<u8> {
        let _ = self.context.flush(stream);
        std::mem::take(&mut stream.written)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Capacity(_) => CloseCode::TOO_BIG,
            Error::Utf8(_) => CloseCode::INVALID_TEXT,
            _ => CloseCode::PROTOCOL,
        };
        let reason = match error {
            Error::Capacity(error) => error.to_string(),
            Error::Utf8(_) => "Text is not UTF-8".to_owned(),
            Error::Protocol(error) => error.to_string(),
            error => error.to_string(),
        };
        Self { code, reason }
    }
}

/// What was read, as a stream that then would block; what is written is kept.
struct Slice<'a> {
    unread: &'a [u8],
    written: Vec<u8>,
}

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.unread.read(buffer)
    }
}

impl Write for Slice<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
