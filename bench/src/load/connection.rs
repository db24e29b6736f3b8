//! One connection of the load client: its socket, its phase, and an incomplete message.

use std::net::SocketAddrV4;
use std::time::Duration;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{self, Errno};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, ipproto, socket_with, sockopt};
use socket2::SockRef;

use super::order::{Connect, Reading};
use crate::message;
use crate::wire;

/// The receive buffer of a connection that reads slowly or never. A small one fills the server's buffers sooner.
const SLOW_BUFFER_BYTES: usize = 4096;

/// The maximum segment size of such a connection, that of a usual network. The server's kernel
/// sizes its buffer as a multiple of it; with loopback's 64 KiB it would hold minutes of updates
/// before the server has to.
const SLOW_SEGMENT_BYTES: u32 = 1460;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    Upgrading,
    /// This many answers are outstanding.
    Subscribing(u32),
    Live,
    Closed,
}

pub(super) struct Connection {
    socket: OwnedFd,
    pub(super) phase: Phase,
    pub(super) reading: Reading,
    topics: Topics,
    /// The beginning of an incomplete message.
    pub(super) partial: Vec<u8>,
    pub(super) close_code: u16,
    /// The epoch of its last subscription.
    pub(super) epoch: Box<str>,
}

/// Consecutive topics in a ring.
#[derive(Debug, Clone, Copy)]
struct Topics {
    /// The first topic of the ring, and its size.
    first: u32,
    ring: u32,
    /// The offset of the connection's topics in the ring, and their number.
    base: u32,
    count: u32,
}

impl Connection {
    /// Starts to connect. The connection's topics start at `base` in the order's topics.
    pub(super) fn open(address: SocketAddrV4, order: &Connect, base: u32) -> io::Result<Self> {
        let topics = Topics { first: order.first_topic, ring: order.topics, base, count: order.topics_per_connection };
        let mut connection = Self {
            socket: socket(order.reading)?,
            phase: Phase::Closed,
            reading: order.reading,
            topics,
            partial: Vec::new(),
            close_code: 0,
            epoch: Box::default(),
        };
        connection.connect(address)?;
        Ok(connection)
    }

    /// Loses its socket without a close.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        self.socket = socket(self.reading)?;
        self.partial.clear();
        self.phase = Phase::Closed;
        Ok(())
    }

    /// Starts to connect a new socket.
    pub(super) fn connect(&mut self, address: SocketAddrV4) -> io::Result<()> {
        match connect(&self.socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error),
        }
        self.phase = Phase::Connecting;
        Ok(())
    }

    /// Returns true if it does not read everything at once.
    pub(super) fn is_slow(&self) -> bool {
        self.reading != Reading::Always
    }

    /// Returns its topics.
    pub(super) fn topics(&self) -> impl Iterator<Item = u32> + use<> {
        let Topics { first, ring, base, count } = self.topics;
        (0..count).map(move |at| first + (base + at) % ring)
    }

    /// Returns the index of a topic among its topics.
    #[inline]
    pub(super) fn slot(&self, topic: u32) -> Option<usize> {
        let Topics { first, ring, base, count } = self.topics;
        let at = topic.checked_sub(first).filter(|&at| at < ring)?;
        let slot = if at >= base { at - base } else { at + ring - base };
        (slot < count).then_some(slot as usize)
    }

    /// Handles the result of connecting.
    pub(super) fn connected(&mut self) -> Result<(), String> {
        sockopt::socket_error(&self.socket)
            .and_then(|result| result)
            .map_err(|error| format!("a connection was refused: {error}"))?;
        self.phase = Phase::Upgrading;
        self.write(wire::UPGRADE)
    }

    /// Returns the length of the server's upgrade response, or `None` while it is incomplete.
    pub(super) fn upgraded(bytes: &[u8]) -> Result<Option<usize>, String> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
        if bytes.starts_with(b"HTTP/1.1 101 ") {
            return Ok(Some(end + 4));
        }
        let line = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
        Err(format!("an upgrade was answered `{}`", String::from_utf8_lossy(line)))
    }

    /// Subscribes to its topics, and recovers from a position if it returns.
    pub(super) fn subscribe(&mut self, position: Option<u64>) -> Result<(), String> {
        let mut requests = Vec::new();
        for topic in self.topics() {
            let request = match position {
                None => message::subscribe(topic),
                Some(seq) => message::recover(topic, &self.epoch, seq),
            };
            requests.extend(wire::masked(wire::TEXT, request.as_bytes()));
        }
        self.phase = Phase::Subscribing(self.topics.count);
        self.write(&requests)
    }

    /// Sends a few bytes, which always fit the socket's buffer.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        match io::write(&self.socket, bytes) {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(written) => Err(format!("of {} bytes a socket took {written}", bytes.len())),
            Err(error) => Err(format!("a socket did not take {} bytes: {error}", bytes.len())),
        }
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        io::read(&self.socket, buffer)
    }
}

/// Creates a socket that is not connected.
fn socket(reading: Reading) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    // Thousands of connections are dropped at once, and must not leave as many ports in TIME_WAIT.
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    if reading != Reading::Always {
        sockopt::set_socket_recv_buffer_size(&socket, SLOW_BUFFER_BYTES)?;
        let refused = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL);
        SockRef::from(&socket).set_tcp_mss(SLOW_SEGMENT_BYTES).map_err(refused)?;
    }
    Ok(socket)
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
