//! The task that owns the socket: carries out the state machine's phases and feeds it messages.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use tokio_tungstenite::tungstenite::{
    self, Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{
    dial::{Dialer, Socket},
    disconnect::{Cause, Disconnect},
    shared::{Shared, now},
    state::{ClientState, Phase},
};

/// How many messages are read before the state machine and other tasks get a turn.
const BATCH: usize = 64;

/// Runs a client until it is closed.
pub(crate) async fn drive(shared: Arc<Shared>, dialer: Dialer) {
    loop {
        shared.state().handle_timeout(now());
        let phase = shared.state().phase();
        match phase {
            Phase::Waiting { .. } => pause(&shared).await,
            Phase::Connecting { .. } => {
                let Some(dialled) = connect(&shared, dialer.clone()).await else { continue };
                match dialled {
                    Ok(socket) => {
                        shared.state().handle_open(now());
                        exchange(&shared, socket).await;
                    }
                    Err(why) => {
                        tracing::debug!(%why, "no connection");
                        shared.state().handle_disconnect(now(), why);
                    }
                }
            }
            // There is no socket to exchange messages over or to close.
            Phase::Open { .. } | Phase::Closing { .. } => {
                shared.state().handle_disconnect(now(), Disconnect::new(Cause::Lost, ""));
            }
            Phase::Closed => return,
        }
    }
}

/// Waits until a timeout is due or a handle has changed the state.
async fn pause(shared: &Shared) {
    let deadline = shared.state().next_timeout();
    tokio::select! {
        () = shared.changed() => {}
        () = sleep_until(deadline) => {}
    }
}

/// Makes one attempt to connect; returns `None` if the phase changes meanwhile.
async fn connect(shared: &Shared, dialer: Dialer) -> Option<Result<Socket, Disconnect>> {
    let mut dialling = pin!(dialer.dial());
    loop {
        tokio::select! {
            dialled = &mut dialling => return Some(dialled),
            () = pause(shared) => {
                let mut state = shared.state();
                state.handle_timeout(now());
                let Phase::Connecting { .. } = state.phase() else { return None };
            }
        }
    }
}

/// Sends and receives until the connection ends.
async fn exchange(shared: &Shared, mut socket: Socket) {
    let mut unflushed = false;
    loop {
        let mut received = Vec::new();
        tokio::select! {
            // One future does both, since reading and writing share the socket.
            ended = Exchange { shared, socket: &mut socket, unflushed: &mut unflushed, received: &mut received } => {
                let now = now();
                let mut state = shared.state();
                for message in received {
                    handle_message(&mut state, now, message);
                }
                if let Some(why) = ended {
                    tracing::debug!(%why, "disconnected");
                    state.handle_disconnect(now, why);
                    drop(state);
                    // Sends the queued answer to a close frame if that is possible without waiting.
                    let _ = socket.flush().now_or_never();
                    return;
                }
            }
            () = pause(shared) => {}
        }
        let phase = {
            let mut state = shared.state();
            state.handle_timeout(now());
            state.phase()
        };
        match phase {
            Phase::Open { .. } => {}
            Phase::Closing { .. } => return close(shared, socket).await,
            // The connection is half open, so the server would not read a close frame.
            Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Closed => return,
        }
    }
}

fn handle_message(state: &mut ClientState, now: Instant, message: Message) {
    match message {
        Message::Text(text) => state.handle_text(now, &text),
        _ => state.handle_activity(now),
    }
}

/// Closes with 1000, and waits for the server's close frame or the timeout.
async fn close(shared: &Shared, mut socket: Socket) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let goodbye = async {
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    };
    tokio::select! {
        () = goodbye => {}
        () = sleep_until(shared.state().next_timeout()) => {}
    }
    shared.state().handle_disconnect(now(), Disconnect::new(Cause::Normal, ""));
}

/// Writes the queued messages; resolves when messages were read or the connection ended.
///
/// # Cancel safety
/// Messages that were read are in `received`; messages that were not written stay queued.
struct Exchange<'a> {
    shared: &'a Shared,
    socket: &'a mut Socket,
    unflushed: &'a mut bool,
    received: &'a mut Vec<Message>,
}

impl Future for Exchange<'_> {
    type Output = Option<Disconnect>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let written = this.poll_write(cx);
        // Messages that the server sent before the end are read even if writing fails.
        while this.received.len() < BATCH {
            match Pin::new(&mut *this.socket).poll_next(cx) {
                Poll::Ready(Some(Ok(Message::Close(frame)))) => {
                    let code = frame.as_ref().map(|frame| u16::from(frame.code));
                    let reason = frame.as_ref().map_or("", |frame| frame.reason.as_str());
                    return Poll::Ready(Some(Disconnect::closed(code, reason)));
                }
                Poll::Ready(Some(Ok(message))) => this.received.push(message),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(disconnect(&error))),
                Poll::Ready(None) => return Poll::Ready(Some(Disconnect::new(Cause::Lost, "the stream ended"))),
                Poll::Pending => break,
            }
        }
        if !this.received.is_empty() {
            return Poll::Ready(None);
        }
        match written {
            Poll::Ready(Err(error)) => Poll::Ready(Some(disconnect(&error))),
            _ => Poll::Pending,
        }
    }
}

impl Exchange<'_> {
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        loop {
            match Pin::new(&mut *self.socket).poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
            let Some(text) = self.shared.state().next_message() else { break };
            *self.unflushed = true;
            Pin::new(&mut *self.socket).start_send(Message::text(text))?;
        }
        if *self.unflushed {
            match Pin::new(&mut *self.socket).poll_flush(cx) {
                Poll::Ready(Ok(())) => *self.unflushed = false,
                other => return other,
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn disconnect(error: &tungstenite::Error) -> Disconnect {
    let cause = match error {
        tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_) => Cause::Protocol,
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => Cause::Lost,
        tungstenite::Error::Protocol(_) => Cause::Protocol,
        tungstenite::Error::WriteBufferFull(_) => {
            return Disconnect::new(Cause::NotReading, "the unwritten bytes exceed the client's limit");
        }
        _ => Cause::Lost,
    };
    Disconnect::new(cause, error.to_string())
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
