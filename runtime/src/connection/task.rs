//! The task of a connection: it reads, answers messages one after another, enforces the time
//! limits, and closes so that the client receives the close code.

use std::{
    any::Any,
    collections::VecDeque,
    future::poll_fn,
    io,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};

use crate::{
    call::Session,
    connection::{
        dispatch::{Fault, FaultKind, dispatch},
        intake::{Read, ReadOutcome},
        liveness::{Due, Liveness},
        presence::{Place, Presence},
        reader::{DecodeError, Incoming, Reader},
        shared::Shared,
    },
    panics::panic_message,
    profile::Faults,
    wire::{CloseCode, Frame, Message, Transport, reason, string},
};

/// The maximum number of messages that wait for the answer to an earlier one.
const MAX_PENDING: usize = 256;

/// The number of steps that a connection takes before it yields to other tasks.
const STEPS_PER_TURN: u32 = 32;

/// The time for which input is discarded after this side failed the connection. If the socket were
/// closed at once, it would answer further input with a reset, which may overtake the close frame.
const DISCARD_TIMEOUT: Duration = Duration::from_millis(500);

/// The number of consecutive faults of form at which the default profile closes the connection.
const MAX_FAULTS: u32 = 16;

type Answer = Result<Result<(), Fault>, Box<dyn Any + Send>>;

/// Serves one upgraded stream to its end. `first` contains bytes that arrived with the handshake.
///
/// The session is in the server's list as soon as this function returns. The returned future serves
/// it.
pub(crate) fn serve(
    place: Place,
    transport: Arc<Transport>,
    session: Session,
    first: &[u8],
) -> impl Future<Output = ()> + Send + use<> {
    let shared = Arc::clone(place.shared());
    let limits = &shared.limits;
    let mut connection = Connection {
        presence: place.enter(session.clone()),
        session,
        transport,
        reader: Reader::server(limits.message_bytes, limits.frame_bytes),
        pending: VecDeque::new(),
        answering: None,
        gate: None,
        broken: None,
        liveness: Liveness::new(Instant::now()),
        faults: 0,
        steps: 0,
        phase: Phase::Open,
        shared,
    };
    tracing::debug!(session = %connection.session.id(), peer = ?connection.session.peer(), "connected");
    connection.feed(first);
    // The future contains only what `run` needs, because every idle connection keeps all of it.
    async move {
        connection.run().await;
        tracing::debug!(session = %connection.session.id(), "disconnected");
    }
}

struct Connection {
    shared: Arc<Shared>,
    session: Session,
    transport: Arc<Transport>,
    reader: Reader,
    /// Messages that wait for an earlier one.
    pending: VecDeque<Incoming>,
    /// The message that is being answered.
    answering: Option<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Suspends reading and answering until it passes. Signals and time limits are handled
    /// meanwhile.
    gate: Option<Box<Gate>>,
    /// The peer violated the protocol. The connection closes once earlier messages are answered.
    broken: Option<Box<DecodeError>>,
    liveness: Liveness,
    faults: u32,
    /// The steps taken since the task last yielded.
    steps: u32,
    phase: Phase,
    /// Dropped after everything else of the connection, because a shutdown waits for its place.
    #[expect(dead_code, reason = "held for its drop")]
    presence: Presence,
}

/// A condition that suspends a connection: the turnstile, or room in the shard's inbox.
struct Gate {
    passed: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The result of a read that waits for the turnstile.
    read: Option<io::Result<ReadOutcome>>,
}

enum Phase {
    Open,
    /// The close frame is queued. Input is discarded until the peer's close frame arrives or the
    /// deadline passes.
    Closing {
        until: Instant,
        peer: PeerEnd,
    },
    /// The connection failed and the close frame is written. The write side is shut down, and input
    /// is discarded until the end of the stream or the deadline.
    Discarding {
        until: Instant,
    },
    /// Nothing is left to do, and the task ends.
    Gone,
}

/// The state of the peer's side while this side closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PeerEnd {
    /// The peer's close frame may still arrive.
    Awaited,
    /// The peer's close frame has arrived.
    Closed,
    /// The peer's close frame cannot be recognized, because the input cannot be decoded.
    Unreadable,
    /// The stream has ended.
    Ended,
}

impl Connection {
    async fn run(&mut self) {
        loop {
            if self.gate.is_none() {
                self.start_next();
            }
            self.steps += 1;
            if self.steps >= STEPS_PER_TURN {
                self.steps = 0;
                tokio::task::yield_now().await;
            }
            let deadline = match &self.phase {
                Phase::Gone => return,
                // Also checked here, because `select!` would never reach the timer while the peer
                // keeps sending.
                Phase::Closing { until, .. } | Phase::Discarding { until } if *until <= Instant::now() => return,
                Phase::Closing { until, .. } | Phase::Discarding { until } => Some(*until),
                Phase::Open => match self.liveness.due(&self.shared.time_limits, Instant::now()) {
                    Due::Wait(until) => until,
                    Due::Ping => {
                        self.session.handle().send(Frame::ping());
                        continue;
                    }
                    Due::Close => {
                        self.close(CloseCode::UNSUPPORTED, &self.shared.time_limits.reason());
                        continue;
                    }
                },
            };
            let reading = self.is_reading();
            let handle = self.session.handle();
            let step = tokio::select! {
                biased;
                () = handle.signals.changed() => Step::Signalled,
                () = poll_fn(|cx| poll_optional(self.gate.as_mut().map(|gate| &mut gate.passed), cx)) => Step::Passed,
                answer = poll_fn(|cx| poll_optional(self.answering.as_mut(), cx)) => Step::Answered(answer),
                read = Read { transport: &self.transport, reader: &mut self.reader, pending: &mut self.pending }, if reading => Step::Read(read),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => Step::TimeUp,
            };
            match step {
                Step::Signalled => self.handle_signals(),
                Step::Passed => {
                    if let Some(read) = self.gate.take().and_then(|gate| gate.read) {
                        self.handle_read(read);
                        // Control frames bypass the queue of messages, so a client that sends only
                        // these has to wait here.
                        self.await_room();
                    }
                }
                Step::Answered(answer) => {
                    self.handle_answer(answer);
                    self.await_room();
                }
                Step::Read(read) => {
                    let turnstile = self.shared.turnstile.clone();
                    let passed = Box::pin(async move { turnstile.pass().await });
                    self.gate = Some(Box::new(Gate { passed, read: Some(read) }));
                }
                Step::TimeUp if matches!(self.phase, Phase::Open) => {}
                Step::TimeUp => self.phase = Phase::Gone,
            }
            if let Phase::Closing { until, peer: PeerEnd::Unreadable } = self.phase
                && self.session.handle().signals.lock().flushed
            {
                let until = until.min(Instant::now() + DISCARD_TIMEOUT);
                let shut = poll_fn(|cx| self.transport.poll_shutdown(cx));
                // The result does not matter, because the connection ends either way.
                let _ = tokio::time::timeout_at(until, shut).await;
                self.phase = Phase::Discarding { until };
            }
        }
    }

    fn is_reading(&self) -> bool {
        let ended = matches!(self.phase, Phase::Closing { peer: PeerEnd::Ended, .. });
        self.gate.is_none() && !ended && !self.is_full() && self.broken.is_none()
    }

    /// Suspends reading and answering until the shard's inbox has room, so that a client cannot
    /// fill the inbox.
    fn await_room(&mut self) {
        let inbox = &self.session.handle().inbox;
        if self.gate.is_none() && inbox.room().now_or_never().is_none() {
            let inbox = inbox.clone();
            let passed = Box::pin(async move { inbox.room().await });
            self.gate = Some(Box::new(Gate { passed, read: None }));
        }
    }

    /// Returns true if pending messages reach the limit, so that reading has to wait.
    fn is_full(&self) -> bool {
        matches!(self.phase, Phase::Open)
            && (self.pending.len() >= MAX_PENDING
                || self.pending.iter().map(Incoming::len).sum::<usize>() >= self.shared.limits.message_bytes)
    }

    /// Decodes bytes that arrived with the handshake.
    fn feed(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let fed = self.reader.feed(bytes, &mut self.pending);
            self.handle_read(Ok(ReadOutcome::Bytes(fed)));
        }
    }

    /// Starts to answer the next message unless one is being answered.
    fn start_next(&mut self) {
        while self.answering.is_none() && matches!(self.phase, Phase::Open) {
            let Some(message) = self.pending.pop_front() else {
                // Releases the queue's memory while the connection is idle.
                self.pending = VecDeque::new();
                if let Some(broken) = self.broken.take() {
                    self.close(broken.code, &broken.reason);
                    self.set_peer(PeerEnd::Unreadable);
                }
                return;
            };
            match message {
                Incoming::Text(text) if self.shared.echo => {
                    self.session.handle().send(Frame::text(text.len(), |out| out.extend_from_slice(text.as_bytes())));
                }
                Incoming::Binary(bytes) if self.shared.echo => self.session.handle().send(Frame::binary(&bytes)),
                Incoming::Text(text) => {
                    let (shared, session) = (Arc::clone(&self.shared), self.session.clone());
                    let answer = AssertUnwindSafe(async move { dispatch(shared, session, &text).await }).catch_unwind();
                    self.answering = Some(Box::pin(answer));
                }
                Incoming::Binary(_) => self.report_fault(&Fault {
                    id: None,
                    kind: FaultKind::Invalid,
                    message: "a binary message; JSON text is expected".to_owned(),
                }),
                Incoming::Control(_) | Incoming::Close { .. } => {}
            }
        }
    }

    fn handle_answer(&mut self, answer: Answer) {
        self.answering = None;
        self.liveness.record_received(Instant::now());
        match answer {
            Ok(Ok(())) => self.faults = 0,
            Ok(Err(fault)) => self.report_fault(&fault),
            Err(panic) => {
                tracing::error!(session = %self.session.id(), panic = panic_message(&*panic), "a handler panicked");
                self.close(CloseCode::INTERNAL, reason::HANDLER_FAILED);
            }
        }
    }

    fn handle_read(&mut self, read: io::Result<ReadOutcome>) {
        match read {
            Ok(ReadOutcome::Bytes(fed)) => {
                self.liveness.record_received(Instant::now());
                let broken = fed.err().map(Box::new);
                let unreadable = broken.is_some();
                if matches!(self.phase, Phase::Open) {
                    self.broken = broken;
                }
                self.handle_control_frames();
                if unreadable {
                    self.set_peer(PeerEnd::Unreadable);
                }
            }
            // A peer that shut down only its write side may still read the close frame.
            Ok(ReadOutcome::End) if matches!(self.phase, Phase::Closing { .. }) => {
                self.set_peer(PeerEnd::Ended);
                self.handle_signals();
            }
            Ok(ReadOutcome::End) | Err(_) => self.phase = Phase::Gone,
        }
    }

    /// Records the state of the peer's side while this side closes.
    fn set_peer(&mut self, end: PeerEnd) {
        if let Phase::Closing { peer, .. } = &mut self.phase
            && *peer != PeerEnd::Closed
        {
            *peer = end;
        }
    }

    /// Answers control frames at once, so that a ping does not wait for earlier messages.
    fn handle_control_frames(&mut self) {
        let mut close = None;
        self.pending.retain_mut(|message| match message {
            Incoming::Control(answer) => {
                if let (Some(answer), Phase::Open) = (answer, &self.phase) {
                    self.session.handle().send(Frame::encoded(answer));
                }
                false
            }
            Incoming::Close { answer, .. } => {
                close = Some(std::mem::take(answer));
                false
            }
            // Once the connection is closing, requests are no longer executed.
            Incoming::Text(_) | Incoming::Binary(_) => matches!(self.phase, Phase::Open),
        });
        let Some(answer) = close else { return };
        if matches!(self.phase, Phase::Open) {
            self.session.handle().close(Frame::encoded(&answer));
            self.begin_closing();
        }
        self.set_peer(PeerEnd::Closed);
        self.handle_signals();
    }

    fn handle_signals(&mut self) {
        let signals = self.session.handle().signals.lock();
        let (ended, flushed, broken) = (signals.shard_closed, signals.flushed, signals.broken);
        let close = signals.close.clone();
        drop(signals);
        if broken {
            self.phase = Phase::Gone;
            return;
        }
        match &self.phase {
            Phase::Open => {
                if let Some(reason) = ended {
                    tracing::debug!(session = %self.session.id(), reason, "closed by the shard");
                    self.begin_closing();
                } else if let Some((code, reason)) = close.as_deref() {
                    self.close(*code, reason);
                }
            }
            // The close handshake is complete, or the peer has ended it early.
            Phase::Closing { peer: PeerEnd::Closed | PeerEnd::Ended, .. } if flushed => self.phase = Phase::Gone,
            Phase::Closing { .. } | Phase::Discarding { .. } | Phase::Gone => {}
        }
    }

    /// Reports a fault of form to the client as the profile requires: by a reply or a close.
    fn report_fault(&mut self, fault: &Fault) {
        tracing::debug!(session = %self.session.id(), fault = fault.message, "fault of form");
        match self.shared.profile.faults {
            Faults::Close => {
                let reason = match fault.kind {
                    FaultKind::Invalid => reason::INVALID,
                    FaultKind::UnknownType => reason::UNKNOWN_TYPE,
                };
                self.close(CloseCode::UNSUPPORTED, reason);
            }
            Faults::Reply => {
                let mut payload = b"{\"status\":\"error\",\"code\":".to_vec();
                string(&mut payload, if fault.kind == FaultKind::Invalid { "invalid" } else { "unknown_type" });
                payload.extend_from_slice(b",\"message\":");
                string(&mut payload, &fault.message);
                payload.extend_from_slice(b",\"retryable\":false}");
                let id = fault.id.as_ref();
                self.session.send(&Message { kind: "error", id, payload: Some(&payload), ..Message::default() });
                self.faults += 1;
                if self.faults >= MAX_FAULTS {
                    self.close(CloseCode::POLICY, reason::TOO_MANY_FAULTS);
                }
            }
        }
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        if matches!(self.phase, Phase::Open) {
            tracing::debug!(session = %self.session.id(), code = code.get(), reason, "closing");
            self.session.handle().close(Frame::close(code, reason));
            self.begin_closing();
        }
    }

    fn begin_closing(&mut self) {
        self.answering = None;
        self.pending.clear();
        self.session.end();
        // A result of a read is still to be handled: it may contain the peer's close frame.
        self.gate.take_if(|gate| gate.read.is_none());
        let until = Instant::now() + self.shared.limits.close_timeout;
        let peer = if self.broken.take().is_some() { PeerEnd::Unreadable } else { PeerEnd::Awaited };
        self.phase = Phase::Closing { until, peer };
    }
}

enum Step {
    Signalled,
    Passed,
    Answered(Answer),
    Read(io::Result<ReadOutcome>),
    TimeUp,
}

/// Polls an optional future. `None` is always pending.
fn poll_optional<F: Future + Unpin>(future: Option<F>, cx: &mut Context<'_>) -> Poll<F::Output> {
    future.map_or(Poll::Pending, |mut future| Pin::new(&mut future).poll(cx))
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Waker};

    use super::*;
    use crate::{Limits, Server, fanout::Command};

    /// Serves an in-memory stream that has sent these bytes with its handshake.
    fn connect(server: &Server, first: &[u8]) -> (impl Future<Output = ()> + use<>, Session, tokio::io::DuplexStream) {
        let core = server.shared();
        let (stream, peer) = tokio::io::duplex(64);
        let transport = Arc::new(Transport::other(stream));
        let handle = core.hub.open(Arc::clone(&transport));
        let session = Session::new(handle, None, http::Extensions::new(), Arc::clone(&core.catalog.pushes));
        (serve(Place::take(core).unwrap(), transport, session.clone(), first), session, peer)
    }

    #[tokio::test]
    async fn the_future_of_a_connection_is_small() {
        let server = Server::builder("Test", "1.0.0").build().unwrap();
        let (future, ..) = connect(&server, &[]);
        let size = size_of_val(&future);
        // Each idle connection holds all of it for as long as it lasts.
        assert!(size <= 528, "the future of a connection has {size} bytes");
    }

    #[tokio::test]
    async fn the_next_message_is_answered_once_the_shards_inbox_has_room() {
        let limits = Limits { backlog_bytes: 1, ..Limits::default() };
        let server = Server::builder("Test", "1.0.0").limits(limits).build().unwrap();
        let text = b"{\"type\":\"ping\"}";
        let ping = [&[0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0], text.as_slice()].concat();
        let (future, session, _peer) = connect(&server, &ping.repeat(8));
        let mut future = pin!(future);
        // The shard has no turn here: nothing is awaited.
        for _ in 0..8 {
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let commands = session.handle().inbox.drain(VecDeque::new()).commands;
            assert_eq!(commands.iter().filter(|command| matches!(command, Command::Send { .. })).count(), 1);
        }
    }
}
