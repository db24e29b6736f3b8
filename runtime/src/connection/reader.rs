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
    role: Role,
    max_message: usize,
    max_frame: usize,
    /// Present while it has something to remember: most connections are between two messages
    /// most of the time.
    context: Option<Box<WebSocketContext>>,
    /// How many bytes the context was fed beyond the frames of the messages that came out. At zero
    /// it is between two messages.
    unaccounted: usize,
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
        Self { role, max_message, max_frame, context: None, unaccounted: 0, lost: false }
    }

    fn context(&mut self) -> &mut WebSocketContext {
        self.context.get_or_insert_with(|| {
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER_BYTES)
                .write_buffer_size(0)
                .max_message_size(Some(self.max_message))
                .max_frame_size(Some(self.max_frame));
            Box::new(WebSocketContext::new(self.role, Some(config)))
        })
    }

    /// Encodes a message of a client, masked.
    #[cfg(feature = "testing")]
    pub(crate) fn encode(&mut self, message: Message) -> Vec<u8> {
        let mut stream = Slice { unread: &[], written: Vec::new() };
        // The only errors are of a context that is closed already; then nothing is written.
        let context = self.context();
        let _ = context.write(&mut stream, message).and_then(|()| context.flush(&mut stream));
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
        self.unaccounted += bytes.len();
        loop {
            let message = match self.context().read(&mut stream) {
                Ok(message) => message,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.unaccounted == 0 {
                        self.context = None;
                    }
                    return Ok(());
                }
                // The close handshake is complete; whatever follows it is of no interest.
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Ok(()),
                Err(error) => {
                    self.lost = true;
                    return Err(Broken::from(error));
                }
            };
            // A message in several frames, or in a frame with a longer header than necessary, leaves
            // a rest, and the context is kept from then on.
            self.unaccounted -= self.frame_bytes(&message);
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
        let _ = self.context().flush(stream);
        std::mem::take(&mut stream.written)
    }

    /// Returns how many bytes a message takes in a single frame. A close frame counts as none: the
    /// context has to remember it.
    fn frame_bytes(&self, message: &Message) -> usize {
        if message.is_close() {
            return 0;
        }
        let mask = if self.role == Role::Server { 4 } else { 0 };
        let header = match message.len() {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        header + mask + message.len()
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

#[cfg(all(test, feature = "testing"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server() -> Reader {
        Reader::server(1 << 20, 1 << 20)
    }

    /// Feeds the bytes in pieces that end at these places, and returns the texts that come out.
    fn texts(reader: &mut Reader, bytes: &[u8], ends: impl IntoIterator<Item = usize>) -> Vec<String> {
        let (mut out, mut from) = (VecDeque::new(), 0);
        for end in ends.into_iter().chain([bytes.len()]) {
            reader.feed(&bytes[from..end], &mut out).expect("the client keeps to the protocol");
            from = end;
        }
        let text = |message| if let Incoming::Text(text) = message { Some(text.to_string()) } else { None };
        out.into_iter().filter_map(text).collect()
    }

    proptest! {
        /// Wherever reads end, the same messages come out, and nothing is kept behind the last one.
        #[test]
        fn between_two_messages_nothing_is_kept(
            lens in prop::collection::vec(prop_oneof![0_usize..200, 65_500_usize..65_600], 1..4),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let (mut client, mut server) = (Reader::client(), server());
            let sent: Vec<String> = lens.iter().map(|len| "x".repeat(*len)).collect();
            let mut bytes = Vec::new();
            for text in &sent {
                bytes.extend(client.encode(Message::text(text.as_str())));
                bytes.extend(client.encode(Message::Ping(Bytes::from_static(b"ping"))));
            }
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
            ends.sort_unstable();
            prop_assert_eq!(texts(&mut server, &bytes, ends), sent);
            prop_assert!(server.context.is_none());
        }
    }

    #[test]
    fn a_message_in_several_frames_and_what_follows_it_are_decoded() {
        let fragment = |first: u8, text: &[u8]| {
            let len = u8::try_from(text.len()).unwrap();
            [&[first, 0x80 | len, 0, 0, 0, 0], text].concat()
        };
        let bytes = [fragment(0x01, b"ab"), fragment(0x00, b"cd"), fragment(0x80, b"ef"), fragment(0x81, b"next")];
        for end in 0..bytes.concat().len() {
            assert_eq!(texts(&mut server(), &bytes.concat(), [end]), ["abcdef", "next"]);
        }
    }
}
