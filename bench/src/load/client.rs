//! The loop of the load client: sockets, orders from standard input, answers to standard output.

use std::net::SocketAddrV4;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::time::Timespec;

use super::connecting::Connecting;
use super::connection::{Connection, Phase};
use super::ending::{Ending, Faults};
use super::order::{Answer, Connect, Order, Reading, Return};
use super::paced::Paced;
use super::record::Recorder;
use super::returning::Returning;
use super::slow::{self, Drain};
use crate::clock;
use crate::message::{Position, Scanner, Stamp};
use crate::wire;

/// The identifier of standard input among the connections.
const INPUT: u64 = u64::MAX;

/// Space before the read position for the beginning of an incomplete message.
const RESERVE: usize = 64 * 1024;

/// The size of one read, into a buffer that all connections share.
const READ: usize = 256 * 1024;

/// Carries out orders until standard input ends.
pub(crate) fn run(address: SocketAddrV4) -> Result<(), String> {
    let mut client = Client::new(address).map_err(|error| format!("the load client cannot start: {error}"))?;
    let mut events = Vec::with_capacity(1024);
    while !client.over {
        events.clear();
        let timeout = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        match epoll::wait(&client.epoll, spare_capacity(&mut events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(format!("the load client cannot wait: {error}")),
        }
        for event in &events {
            client.handle(event)?;
        }
        client.advance();
    }
    Ok(())
}

struct Client {
    address: SocketAddrV4,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// The last number of each topic of each connection.
    lasts: Vec<u64>,
    topics_each: usize,
    scanner: Scanner,
    buffer: Vec<u8>,
    input: Vec<u8>,
    over: bool,
    closed: usize,
    faults: Faults,
    paced: Paced,
    connecting: Option<Connecting>,
    recorder: Option<Recorder>,
    drain: Option<Drain>,
    returning: Option<Returning>,
    ending: Option<Ending>,
}

impl Client {
    fn new(address: SocketAddrV4) -> rustix::io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, std::io::stdin(), EventData::new_u64(INPUT), EventFlags::IN)?;
        Ok(Self {
            address,
            epoll,
            connections: Vec::new(),
            lasts: Vec::new(),
            topics_each: 1,
            scanner: Scanner::new(),
            buffer: vec![0; RESERVE + READ],
            input: Vec::new(),
            over: false,
            closed: 0,
            faults: Faults::default(),
            paced: Paced::default(),
            connecting: None,
            recorder: None,
            drain: None,
            returning: None,
            ending: None,
        })
    }

    fn handle(&mut self, event: &Event) -> Result<(), String> {
        let data = event.data;
        let flags = event.flags;
        if data.u64() == INPUT {
            return self.read_orders();
        }
        let at = usize::try_from(data.u64()).map_err(|_| "epoll reported an unknown connection".to_owned())?;
        let result = if self.connections[at].phase == Phase::Connecting {
            if !flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP) {
                return Ok(());
            }
            self.connections[at].connected().and_then(|()| self.watch(at, EventFlags::IN))
        } else {
            self.read(at, READ)
        };
        if let Err(failure) = result {
            self.close(at, failure);
        }
        Ok(())
    }

    /// Reads orders and starts to carry them out.
    fn read_orders(&mut self) -> Result<(), String> {
        let mut chunk = [0; 4096];
        let read = rustix::io::read(std::io::stdin(), &mut chunk).map_err(|error| format!("no orders: {error}"))?;
        self.over = read == 0;
        self.input.extend_from_slice(&chunk[..read]);
        while let Some(end) = memchr::memchr(b'\n', &self.input) {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            let order: Order = serde_json::from_slice(&line).map_err(|error| format!("an order is wrong: {error}"))?;
            self.begin(order)?;
        }
        Ok(())
    }

    fn begin(&mut self, order: Order) -> Result<(), String> {
        let now = clock::now_us();
        match order {
            Order::Connect(order) => {
                let each = order.topics_per_connection as usize;
                if !self.connections.is_empty() && each != self.topics_each {
                    return Err(format!("connections have {} topics each, not {each}", self.topics_each));
                }
                self.topics_each = each;
                self.connecting = Some(Connecting::new(order, now));
            }
            Order::Measure(order) => {
                let listeners = self.listeners(order.schedule.topics);
                self.recorder = Some(Recorder::new(order, listeners));
            }
            Order::Cut { from_us, until_us } => {
                let recorder = self.recorder.take().ok_or("nothing is being measured")?;
                answer(&Answer::Measured(recorder.cut(from_us, until_us, self.closed)));
            }
            Order::Drain { quiet_us, give_up_us } => {
                for at in 0..self.connections.len() {
                    if self.connections[at].is_slow() && self.connections[at].phase == Phase::Live {
                        self.watch(at, EventFlags::IN)?;
                    }
                }
                self.drain = Some(Drain::new(quiet_us, give_up_us, now));
            }
            Order::Return(order) => self.cut(order, now)?,
            Order::Await { newest, give_up_us } => self.ending = Some(Ending::new(newest, give_up_us)),
        }
        Ok(())
    }

    /// Cuts all connections, which then return.
    fn cut(&mut self, order: Return, now: u64) -> Result<(), String> {
        if self.topics_each != 1 {
            return Err(format!("only connections with one topic return, not with {}", self.topics_each));
        }
        for connection in &mut self.connections {
            connection.cut().map_err(|error| format!("no socket: {error}"))?;
        }
        self.returning = Some(Returning::new(order, self.connections.len(), now));
        Ok(())
    }

    /// Counts the reading connections of each topic.
    fn listeners(&self, topics: u32) -> Vec<u32> {
        let mut listeners = vec![0; topics as usize];
        for connection in self.connections.iter().filter(|connection| !connection.is_slow()) {
            for topic in connection.topics() {
                if let Some(count) = listeners.get_mut(topic as usize) {
                    *count += 1;
                }
            }
        }
        listeners
    }

    /// Opens more connections, reads at a pace, and answers completed orders.
    fn advance(&mut self) {
        let now = clock::now_us();
        self.advance_connecting(now);
        self.advance_returning(now);
        self.read_paced(now);
        let ended = self.ending.as_ref().and_then(|ending| ending.result(&self.lasts, self.faults, now));
        if let Some(ended) = ended {
            self.ending = None;
            answer(&Answer::Ended(ended));
        }
        if let Some(recorder) = self.recorder.take_if(|recorder| recorder.is_complete() || now >= recorder.give_up_us())
        {
            answer(&Answer::Measured(recorder.finish(self.closed)));
        }
        if let Some(drain) = self.drain.take_if(|drain| drain.is_over(now)) {
            answer(&Answer::Drained(drain.finish(slow::closed(&self.connections))));
        }
    }

    fn advance_connecting(&mut self, now: u64) {
        let Some(mut connecting) = self.connecting.take() else { return };
        while let Some(base) = connecting.next() {
            if let Err(error) = self.open(connecting.order(), base) {
                connecting.fail(format!("no socket: {error}"));
            }
        }
        if connecting.is_over(now) {
            answer(&Answer::Connected(connecting.finish(now)));
        } else {
            self.connecting = Some(connecting);
        }
    }

    fn advance_returning(&mut self, now: u64) {
        let Some(mut returning) = self.returning.take() else { return };
        while let Some(at) = returning.next(now) {
            let connection = &mut self.connections[at];
            let connected = connection.connect(self.address);
            let data = EventData::new_u64(at as u64);
            let watched = connected.and_then(|()| epoll::add(&self.epoll, &*connection, data, EventFlags::OUT));
            if let Err(error) = watched {
                returning.fail(at, format!("no connection: {error}"));
            }
        }
        if returning.is_over(now) {
            answer(&Answer::Returned(returning.finish()));
        } else {
            self.returning = Some(returning);
        }
    }

    /// Reads from the connections that do so at a pace.
    fn read_paced(&mut self, now: u64) {
        let Some((connections, micros)) = self.paced.turn(now) else { return };
        for at in connections {
            let Connection { phase: Phase::Live, reading: Reading::Paced(pace), .. } = self.connections[at] else {
                continue;
            };
            let bytes = usize::try_from(pace * micros / 1_000_000).unwrap_or(READ).clamp(1, READ);
            if let Err(failure) = self.read(at, bytes) {
                self.close(at, failure);
            }
        }
    }

    fn open(&mut self, order: &Connect, base: u32) -> rustix::io::Result<()> {
        let connection = Connection::open(self.address, order, base)?;
        let data = EventData::new_u64(self.connections.len() as u64);
        epoll::add(&self.epoll, &connection, data, EventFlags::OUT)?;
        self.connections.push(connection);
        self.lasts.resize(self.connections.len() * self.topics_each, 0);
        Ok(())
    }

    fn watch(&self, at: usize, flags: EventFlags) -> Result<(), String> {
        epoll::modify(&self.epoll, &self.connections[at], EventData::new_u64(at as u64), flags)
            .map_err(|error| format!("a connection cannot be watched: {error}"))
    }

    /// Reads once from a connection, at most so many bytes, into the shared buffer.
    fn read(&mut self, at: usize, bytes: usize) -> Result<(), String> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.read_into(&mut buffer[..RESERVE + bytes], at);
        self.buffer = buffer;
        result
    }

    fn read_into(&mut self, buffer: &mut [u8], at: usize) -> Result<(), String> {
        let connection = &mut self.connections[at];
        let read = match connection.read(&mut buffer[RESERVE..]) {
            Ok(0) => return Err("the server closed".to_owned()),
            Ok(read) => read,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(error) => return Err(format!("the connection broke: {error}")),
        };
        let now = clock::now_us();
        let carried = connection.partial.len();
        let start = RESERVE.checked_sub(carried).ok_or("a message is longer than any here")?;
        buffer[start..RESERVE].copy_from_slice(&connection.partial);
        connection.partial.clear();
        let mut rest = &buffer[start..RESERVE + read];
        if connection.phase == Phase::Upgrading {
            let Some(head) = Connection::upgraded(rest)? else {
                connection.partial.extend_from_slice(rest);
                return Ok(());
            };
            rest = &rest[head..];
            // Only connections with one topic return.
            connection.subscribe(self.returning.as_ref().map(|_| self.lasts[at]))?;
        }
        while let Some(frame) = wire::frame(rest) {
            rest = &rest[frame.bytes..];
            self.frame(at, now, &frame)?;
        }
        self.connections[at].partial.extend_from_slice(rest);
        Ok(())
    }

    fn frame(&mut self, at: usize, now: u64, frame: &wire::Frame<'_>) -> Result<(), String> {
        match frame.opcode {
            wire::TEXT | wire::BINARY if frame.last => match self.scanner.stamp(frame.payload) {
                Some(stamp) => self.update(at, now, stamp, frame),
                None => self.reply(at, now, frame.payload)?,
            },
            wire::PING => self.connections[at].write(&wire::masked(wire::PONG, frame.payload))?,
            wire::PONG => {}
            wire::CLOSE => {
                if let Some((code, reason)) = frame.payload.split_first_chunk() {
                    self.connections[at].close_code = u16::from_be_bytes(*code);
                    return Err(format!(
                        "closed with {}: {}",
                        u16::from_be_bytes(*code),
                        String::from_utf8_lossy(reason)
                    ));
                }
                return Err("closed without a code".to_owned());
            }
            opcode => return Err(format!("a frame of opcode {opcode}, last: {}, was not expected", frame.last)),
        }
        Ok(())
    }

    #[inline]
    fn update(&mut self, at: usize, now: u64, stamp: Stamp, frame: &wire::Frame<'_>) {
        let connection = &self.connections[at];
        let drain = self.drain.as_mut().filter(|_| connection.is_slow());
        let last = connection.slot(stamp.topic).map(|slot| &mut self.lasts[at * self.topics_each + slot]);
        let skipped = match last {
            Some(last) if stamp.number > *last => {
                let skipped = if *last == 0 { 0 } else { stamp.number - *last - 1 };
                *last = stamp.number;
                skipped
            }
            _ => {
                self.faults.repeated += 1;
                if let Some(recorder) = &mut self.recorder {
                    recorder.disorder();
                }
                return;
            }
        };
        if let Some(returning) = &mut self.returning {
            returning.update(at, now, stamp.number);
        }
        if connection.is_slow() {
            self.faults.missing_slow += skipped;
        } else {
            self.faults.missing += skipped;
        }
        if let Some(drain) = drain {
            drain.heard_us = now;
            drain.message(frame.payload);
            drain.gap(skipped);
        } else if let Some(recorder) = &mut self.recorder
            && !connection.is_slow()
        {
            if skipped > 0 {
                recorder.gap(skipped);
            }
            recorder.record(now, stamp, frame.bytes);
        }
    }

    /// Handles the answer to a subscribe request.
    fn reply(&mut self, at: usize, now: u64, payload: &[u8]) -> Result<(), String> {
        if memchr::memmem::find(payload, b"\"status\":\"ok\"").is_none() {
            return Err(format!("a subscription was answered {}", String::from_utf8_lossy(payload)));
        }
        let connection = &mut self.connections[at];
        match connection.phase {
            Phase::Subscribing(2..) => {
                if let Phase::Subscribing(left) = &mut connection.phase {
                    *left -= 1;
                }
            }
            Phase::Subscribing(_) => {
                connection.phase = Phase::Live;
                let reading = connection.reading;
                let position = Position::of_reply(payload);
                if let Some(connecting) = &mut self.connecting {
                    connecting.subscribed();
                }
                if let Some(returning) = &mut self.returning {
                    let last = &mut self.lasts[at];
                    returning.answered(at, now, *last, position.recovered && position.seq == *last);
                    if !position.recovered {
                        self.faults.missing += position.seq.saturating_sub(*last);
                        *last = position.seq;
                    }
                }
                self.connections[at].epoch = position.epoch;
                if let Reading::Paced(_) = reading {
                    self.paced.add(at);
                }
                if reading != Reading::Always {
                    self.watch(at, EventFlags::empty())?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, at: usize, failure: String) {
        let connection = &mut self.connections[at];
        let before = std::mem::replace(&mut connection.phase, Phase::Closed);
        // A socket that cannot be removed is not registered.
        let _ = epoll::delete(&self.epoll, &*connection);
        match before {
            Phase::Closed => {}
            Phase::Live => {
                self.closed += usize::from(!connection.is_slow());
                if let Some(returning) = &mut self.returning {
                    returning.fail(at, failure);
                }
            }
            _ => {
                if let Some(returning) = &mut self.returning {
                    returning.fail(at, failure);
                } else if let Some(connecting) = &mut self.connecting {
                    connecting.fail(failure);
                }
            }
        }
    }
}

fn answer(answer: &Answer) {
    println!("{}", serde_json::to_string(answer).expect("an answer of numbers and text serializes"));
}
