//! One connection's life: it reads, has messages answered one after another, keeps the
//! time limits, and closes so that the code arrives.

use std::{
    any::Any, collections::VecDeque, future::poll_fn, io, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration,
};

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::{
    call::Session,
    connection::{
        dispatch::{Fault, FaultKind, dispatch},
        intake::{Read, ReadOutcome},
        liveness::{Due, Liveness},
        presence::Presence,
        reader::{Broken, Incoming, Reader},
        shared::{Place, Shared},
    },
    panics::panic_message,
    profile::Faults,
    wire::{CloseCode, Frame, Message, Transport, reason, string},
};

/// How many messages may wait for the one before them to be answered.
const MAX_PENDING: usize = 256;

/// How many steps a connection takes before others of the thread get a turn.
const BURST: u32 = 32;

/// How long what a peer still sends is discarded once this side has failed the connection. Closed
/// earlier, the socket would answer with a reset, which may overtake the close frame.
const DISCARD_TIMEOUT: Duration = Duration::from_millis(500);

/// Faults of form in a row that the modern profile takes.
const MAX_FAULTS: u32 = 16;

type Answer = Result<Result<(), Fault>, Box<dyn Any + Send>>;

/// Serves one upgraded stream to its end. `first` are bytes that came with the handshake.
///
/// The session is among the server's sessions as soon as this returns; the future is
/// the rest of its life.
pub(crate) fn serve(
    place: Place,
    transport: Arc<Transport>,
    session: Session,
    first: &[u8],
) -> impl Future<Output = ()> + Send + use<> {
    let core = Arc::clone(place.core());
    let limits = &core.limits;
    let mut connection = Connection {
        presence: Presence::enter(&core, session.clone()),
        session,
        transport,
        reader: Reader::server(limits.message_bytes, limits.frame_bytes),
        pending: VecDeque::new(),
        answering: None,
        gate: None,
        broken: None,
        liveness: Liveness::new(Instant::now()),
        faults: 0,
        turns: 0,
        phase: Phase::Open,
        core,
        place,
    };
    tracing::debug!(session = %connection.session.id(), peer = ?connection.session.peer(), "connected");
    connection.feed(first);
    // Only what `run` needs is in the future: an idle connection keeps all of it.
    async move {
        connection.run().await;
        tracing::debug!(session = %connection.session.id(), "disconnected");
    }
}

struct Connection {
    #[expect(dead_code, reason = "held for its drop, before anything else")]
    presence: Presence,
    core: Arc<Shared>,
    session: Session,
    transport: Arc<Transport>,
    reader: Reader,
    /// Messages that wait for their turn.
    pending: VecDeque<Incoming>,
    /// The message that is being answered.
    answering: Option<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// What has to pass before anything more is read or begun; signals and time limits are
    /// heeded meanwhile.
    gate: Option<Box<Gate>>,
    /// The peer broke the protocol: closed with this once the messages before are answered.
    broken: Option<Box<Broken>>,
    liveness: Liveness,
    faults: u32,
    /// Steps taken since other tasks had a turn.
    turns: u32,
    phase: Phase,
    /// Given back when nothing else of the connection is left: a shutdown waits for it.
    #[expect(dead_code, reason = "held for its drop, after everything else")]
    place: Place,
}

/// What a connection waits for before it goes on.
struct Gate {
    passed: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// What was read, and waits for the turnstile.
    held: Option<io::Result<ReadOutcome>>,
}

enum Phase {
    Open,
    /// The close frame is queued: what the peer still sends is read and forgotten until
    /// its own close, or until time is up.
    Closing {
        until: Instant,
        peer: PeerEnd,
    },
    /// The connection has failed and the close frame is written: the write side is shut down, and
    /// input is discarded until the peer's end, or until time is up.
    Discarding {
        until: Instant,
    },
    Gone,
}

/// What is known of the peer's own end while this side closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PeerEnd {
    /// Its close frame may still come.
    Awaited,
    /// Its close frame has come.
    Closed,
    /// Its close frame will not be recognized: the input cannot be parsed.
    Unreadable,
    /// It sends nothing any more.
    Ended,
}

impl Connection {
    async fn run(&mut self) {
        loop {
            if self.gate.is_none() {
                self.start_next();
            }
            self.turns += 1;
            if self.turns >= BURST {
                self.turns = 0;
                tokio::task::yield_now().await;
            }
            let deadline = match &self.phase {
                Phase::Gone => return,
                // Looked at here and not only awaited below: a peer that always has something
                // to read would never let the timer have its turn.
                Phase::Closing { until, .. } | Phase::Discarding { until } if *until <= Instant::now() => return,
                Phase::Closing { until, .. } | Phase::Discarding { until } => Some(*until),
                Phase::Open => match self.liveness.due(&self.core.time_limits, Instant::now()) {
                    Due::Wait(until) => until,
                    Due::Ping => {
                        self.session.handle().send(Frame::ping());
                        continue;
                    }
                    Due::Close => {
                        self.close(CloseCode::UNSUPPORTED, &self.core.time_limits.reason());
                        continue;
                    }
                },
            };
            let reading = self.is_reading();
            let handle = self.session.handle();
            let step = tokio::select! {
                biased;
                () = handle.signals.changed() => Step::Signalled,
                () = optional(self.gate.as_mut().map(|gate| &mut gate.passed)) => Step::Passed,
                answer = optional(self.answering.as_mut()) => Step::Answered(answer),
                read = Read { transport: &self.transport, reader: &mut self.reader, pending: &mut self.pending }, if reading => Step::Read(read),
                () = at(deadline) => Step::TimeUp,
            };
            match step {
                Step::Signalled => self.heed_signals(),
                Step::Passed => {
                    if let Some(read) = self.gate.take().and_then(|gate| gate.held) {
                        self.take_read(read);
                        // Control frames are answered without waiting for their turn, so a client
                        // that sends nothing else waits here.
                        self.await_room();
                    }
                }
                Step::Answered(answer) => {
                    self.take_answer(answer);
                    self.await_room();
                }
                Step::Read(read) => {
                    let turnstile = self.core.turnstile.clone();
                    let passed = Box::pin(async move { turnstile.pass().await });
                    self.gate = Some(Box::new(Gate { passed, held: Some(read) }));
                }
                Step::TimeUp if matches!(self.phase, Phase::Open) => {}
                Step::TimeUp => self.phase = Phase::Gone,
            }
            if let Phase::Closing { until, peer: PeerEnd::Unreadable } = self.phase
                && self.session.handle().signals.lock().flushed
            {
                let until = until.min(Instant::now() + DISCARD_TIMEOUT);
                let shut = poll_fn(|cx| self.transport.poll_shutdown(cx));
                // Whether it succeeds or not, the connection ends.
                let _ = tokio::time::timeout_at(until, shut).await;
                self.phase = Phase::Discarding { until };
            }
        }
    }

    fn is_reading(&self) -> bool {
        let ended = matches!(self.phase, Phase::Closing { peer: PeerEnd::Ended, .. });
        self.gate.is_none() && !ended && !self.is_full() && self.broken.is_none()
    }

    /// Lets nothing more be read or begun until the shard's inbox has room, so that a client
    /// cannot fill it.
    fn await_room(&mut self) {
        let inbox = &self.session.handle().inbox;
        if self.gate.is_none() && inbox.room().now_or_never().is_none() {
            let inbox = inbox.clone();
            let passed = Box::pin(async move { inbox.room().await });
            self.gate = Some(Box::new(Gate { passed, held: None }));
        }
    }

    /// Whether so much is pending that reading has to wait.
    fn is_full(&self) -> bool {
        matches!(self.phase, Phase::Open)
            && (self.pending.len() >= MAX_PENDING
                || self.pending.iter().map(Incoming::len).sum::<usize>() >= self.core.limits.message_bytes)
    }

    /// Decodes bytes that came with the handshake.
    fn feed(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let fed = self.reader.feed(bytes, &mut self.pending);
            self.take_read(Ok(ReadOutcome::Bytes(fed)));
        }
    }

    /// Begins to answer the next message unless one is being answered.
    fn start_next(&mut self) {
        while self.answering.is_none() && matches!(self.phase, Phase::Open) {
            let Some(message) = self.pending.pop_front() else {
                // An idle connection keeps no room for messages.
                self.pending = VecDeque::new();
                if let Some(broken) = self.broken.take() {
                    self.close(broken.code, &broken.reason);
                    self.set_peer(PeerEnd::Unreadable);
                }
                return;
            };
            match message {
                Incoming::Text(text) if self.core.echo => {
                    self.session.handle().send(Frame::text(text.len(), |out| out.extend_from_slice(text.as_bytes())));
                }
                Incoming::Binary(bytes) if self.core.echo => self.session.handle().send(Frame::binary(&bytes)),
                Incoming::Text(text) => {
                    let (core, session) = (Arc::clone(&self.core), self.session.clone());
                    let answer = AssertUnwindSafe(async move { dispatch(core, session, &text).await }).catch_unwind();
                    self.answering = Some(Box::pin(answer));
                }
                Incoming::Binary(_) => self.fault(&Fault {
                    id: None,
                    kind: FaultKind::Invalid,
                    message: "a binary message; JSON text is expected".to_owned(),
                }),
                Incoming::Control(_) | Incoming::Close { .. } => {}
            }
        }
    }

    fn take_answer(&mut self, answer: Answer) {
        self.answering = None;
        self.liveness.hear(Instant::now());
        match answer {
            Ok(Ok(())) => self.faults = 0,
            Ok(Err(fault)) => self.fault(&fault),
            Err(panic) => {
                tracing::error!(session = %self.session.id(), panic = panic_message(&*panic), "a handler panicked");
                self.close(CloseCode::INTERNAL, reason::HANDLER_FAILED);
            }
        }
    }

    fn take_read(&mut self, read: io::Result<ReadOutcome>) {
        match read {
            Ok(ReadOutcome::Bytes(fed)) => {
                self.liveness.hear(Instant::now());
                let broken = fed.err().map(Box::new);
                let unreadable = broken.is_some();
                if matches!(self.phase, Phase::Open) {
                    self.broken = broken;
                }
                self.take_controls();
                if unreadable {
                    self.set_peer(PeerEnd::Unreadable);
                }
            }
            // A peer that only sends no more may still read the close frame.
            Ok(ReadOutcome::End) if matches!(self.phase, Phase::Closing { .. }) => {
                self.set_peer(PeerEnd::Ended);
                self.heed_signals();
            }
            Ok(ReadOutcome::End) | Err(_) => self.phase = Phase::Gone,
        }
    }

    /// Records what becomes of the peer's side while this side closes.
    fn set_peer(&mut self, end: PeerEnd) {
        if let Phase::Closing { peer, .. } = &mut self.phase
            && *peer != PeerEnd::Closed
        {
            *peer = end;
        }
    }

    /// Answers control frames at once: a ping does not wait for the messages before it.
    fn take_controls(&mut self) {
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
            // After the close has begun, nothing is carried out any more.
            Incoming::Text(_) | Incoming::Binary(_) => matches!(self.phase, Phase::Open),
        });
        let Some(answer) = close else { return };
        if matches!(self.phase, Phase::Open) {
            self.session.handle().close(Frame::encoded(&answer));
            self.begin_closing();
        }
        self.set_peer(PeerEnd::Closed);
        self.heed_signals();
    }

    fn heed_signals(&mut self) {
        let signals = self.session.handle().signals.lock();
        let (ended, flushed, broken) = (signals.ended, signals.flushed, signals.broken);
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
            // The handshake is complete, or as complete as it will be.
            Phase::Closing { peer: PeerEnd::Closed | PeerEnd::Ended, .. } if flushed => self.phase = Phase::Gone,
            Phase::Closing { .. } | Phase::Discarding { .. } | Phase::Gone => {}
        }
    }

    /// A message that is no request: what it costs, the profile says.
    fn fault(&mut self, fault: &Fault) {
        tracing::debug!(session = %self.session.id(), fault = fault.message, "fault of form");
        match self.core.profile.faults {
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
        // What was read is still to be looked at: it may have the peer's close frame in it.
        self.gate.take_if(|gate| gate.held.is_none());
        let until = Instant::now() + self.core.limits.close_timeout;
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

async fn optional<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Server, wire::Transport};

    #[tokio::test]
    async fn the_future_of_a_connection_is_small() {
        let server = Server::builder("Test", "1.0.0").build().unwrap();
        let core = server.shared();
        let (stream, _peer) = tokio::io::duplex(64);
        let transport = Arc::new(Transport::other(stream));
        let handle = core.hub.open(Arc::clone(&transport));
        let session = Session::new(handle, None, http::Extensions::new(), Arc::clone(&core.catalog.pushes));
        let size = size_of_val(&serve(Place::take(core).unwrap(), transport, session, &[]));
        // Each idle connection holds all of it for as long as it lasts.
        assert!(size <= 960, "the future of a connection has {size} bytes");
    }
}
