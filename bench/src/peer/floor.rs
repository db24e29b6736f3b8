//! The floor: no framework, no event loop while publishing, only the `send` calls of prepared frames.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::net::{self, AddressFamily, Ipv4Addr, RecvFlags, SendFlags, SocketAddrV4, SocketType, sockopt};

use super::control::{BACKLOG, Numbers};
use crate::clock;
use crate::message;
use crate::schedule::{Progress, Schedule};
use crate::wire;

const INPUT: u64 = u64::MAX;
const LISTENER: u64 = u64::MAX - 1;

pub(super) fn run() -> Result<(), String> {
    Floor::new().and_then(Floor::serve).map_err(|error| format!("the floor gave way: {error}"))
}

struct Floor {
    epoll: OwnedFd,
    listener: OwnedFd,
    connections: Vec<Connection>,
    /// The indices of each topic's subscribers.
    topics: Vec<Vec<usize>>,
    numbers: Numbers,
}

struct Connection {
    socket: OwnedFd,
    received: Vec<u8>,
    upgraded: bool,
    broken: bool,
}

impl Floor {
    fn new() -> rustix::io::Result<Self> {
        let listener = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        net::bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        net::listen(&listener, BACKLOG.cast_signed())?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, std::io::stdin(), EventData::new_u64(INPUT), EventFlags::IN)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self { epoll, listener, connections: Vec::new(), topics: Vec::new(), numbers: Numbers::default() })
    }

    fn serve(mut self) -> rustix::io::Result<()> {
        let address = SocketAddrV4::try_from(net::getsockname(&self.listener)?)?;
        println!("ready {}", address.port());
        let mut events = Vec::with_capacity(256);
        loop {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in &events {
                match { event.data }.u64() {
                    INPUT => {
                        if !self.obey()? {
                            return Ok(());
                        }
                    }
                    LISTENER => self.accept()?,
                    place => self.read(usize::try_from(place).unwrap_or(usize::MAX))?,
                }
            }
        }
    }

    fn accept(&mut self) -> rustix::io::Result<()> {
        let socket = net::accept(&self.listener)?;
        sockopt::set_tcp_nodelay(&socket, true)?;
        epoll::add(&self.epoll, &socket, EventData::new_u64(self.connections.len() as u64), EventFlags::IN)?;
        self.connections.push(Connection { socket, received: Vec::new(), upgraded: false, broken: false });
        Ok(())
    }

    /// Answers the upgrade and the subscriptions of a connection.
    fn read(&mut self, place: usize) -> rustix::io::Result<()> {
        let connection = &mut self.connections[place];
        let mut chunk = [0; 4096];
        let read = net::recv(&connection.socket, &mut chunk, RecvFlags::empty()).map_or(0, |(read, _)| read);
        if read == 0 {
            connection.broken = true;
            return epoll::delete(&self.epoll, &connection.socket);
        }
        connection.received.extend_from_slice(&chunk[..read]);
        if !connection.upgraded {
            let Some(end) = memchr::memmem::find(&connection.received, b"\r\n\r\n") else { return Ok(()) };
            connection.received.drain(..end + 4);
            connection.upgraded = true;
            send(&connection.socket, wire::SWITCHING)?;
        }
        while let Some(frame) = wire::frame(&connection.received) {
            let (payload, bytes) = (frame.unmasked(), frame.bytes);
            connection.received.drain(..bytes);
            if let Some(topic) = message::topic_of_subscribe(&String::from_utf8_lossy(&payload)) {
                let at = topic as usize;
                if self.topics.len() <= at {
                    self.topics.resize_with(at + 1, Vec::new);
                }
                self.topics[at].push(place);
                send(&connection.socket, &wire::unmasked(wire::TEXT, message::subscribed(topic).as_bytes()))?;
            }
        }
        if connection.received.is_empty() {
            connection.received = Vec::new();
        }
        Ok(())
    }

    /// Publishes by the next schedule on standard input; returns false at its end.
    fn obey(&mut self) -> rustix::io::Result<bool> {
        // A command fits a single read of the pipe, and the next one follows only after the end of
        // this one's schedule.
        let mut chunk = [0; 4096];
        let read = rustix::io::read(std::io::stdin(), &mut chunk)?;
        for line in String::from_utf8_lossy(&chunk[..read]).lines() {
            match Schedule::of_command(line) {
                Ok(schedule) => self.publish(schedule),
                Err(error) => {
                    eprintln!("{error}");
                    return Ok(false);
                }
            }
        }
        Ok(read > 0)
    }

    fn publish(&mut self, schedule: Schedule) {
        let mut progress = Progress::new(schedule);
        while let Some(wait) = progress.publish_due(|topic, at| {
            let text = message::update(topic, self.numbers.next(topic), at);
            let frame = wire::unmasked(wire::TEXT, text.as_bytes());
            for &place in self.topics.get(topic as usize).map_or(&[][..], Vec::as_slice) {
                let connection = &mut self.connections[place];
                if !connection.broken {
                    connection.broken = send(&connection.socket, &frame).is_err();
                }
            }
        }) {
            clock::sleep_until(clock::now_us() + wait);
        }
        println!("published {}", progress.total());
    }
}

/// Sends all bytes, and waits while the buffer is full.
fn send(socket: impl AsFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let sent = net::send(&socket, bytes, SendFlags::NOSIGNAL)?;
        bytes = &bytes[sent..];
    }
    Ok(())
}
