//! The task that owns the socket: it does what the core says and tells it what comes.

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
    core::{Core, Phase},
    dial::{Dial, Socket},
    disconnect::{Cause, Disconnect},
    shared::{Shared, now},
};

/// How many messages are read before the core and others have a turn.
const BATCH: usize = 64;

/// Runs a client to its end.
pub(crate) async fn drive(shared: Arc<Shared>, dial: Dial) {
    loop {
        shared.core().elapsed(now());
        let phase = shared.core().phase();
        match phase {
            Phase::Waiting { .. } => pause(&shared).await,
            Phase::Connecting { .. } => {
                let Some(dialled) = connect(&shared, dial.clone()).await else { continue };
                match dialled {
                    Ok(socket) => {
                        shared.core().opened(now());
                        exchange(&shared, socket).await;
                    }
                    Err(why) => {
                        tracing::debug!(%why, "no connection");
                        shared.core().ended(now(), why);
                    }
                }
            }
            // Without a socket there is nothing to exchange and nothing to close.
            Phase::Open { .. } | Phase::Closing { .. } => {
                shared.core().ended(now(), Disconnect::new(Cause::Lost, ""));
            }
            Phase::Closed => return,
        }
    }
}

/// Waits until something is due, or somebody wants something.
async fn pause(shared: &Shared) {
    let deadline = shared.core().deadline();
    tokio::select! {
        () = shared.changed() => {}
        () = at(deadline) => {}
    }
}

/// One attempt; nothing if the core does not want it any more.
async fn connect(shared: &Shared, dial: Dial) -> Option<Result<Socket, Disconnect>> {
    let mut dialling = pin!(dial.dial());
    loop {
        tokio::select! {
            dialled = &mut dialling => return Some(dialled),
            () = pause(shared) => {
                let mut core = shared.core();
                core.elapsed(now());
                let Phase::Connecting { .. } = core.phase() else { return None };
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
            // Reading and writing share the socket, so they are one future.
            ended = Exchange { shared, socket: &mut socket, unflushed: &mut unflushed, received: &mut received } => {
                let now = now();
                let mut core = shared.core();
                for message in received {
                    take(&mut core, now, message);
                }
                if let Some(why) = ended {
                    tracing::debug!(%why, "disconnected");
                    core.ended(now, why);
                    drop(core);
                    // The answer to a close is already queued; what does not go out at once is
                    // not worth waiting for.
                    let _ = socket.flush().now_or_never();
                    return;
                }
            }
            () = pause(shared) => {}
        }
        let phase = {
            let mut core = shared.core();
            core.elapsed(now());
            core.phase()
        };
        match phase {
            Phase::Open { .. } => {}
            Phase::Closing { .. } => return close(shared, socket).await,
            // Half open: the peer would not read a close.
            Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Closed => return,
        }
    }
}

fn take(core: &mut Core, now: Instant, message: Message) {
    match message {
        Message::Text(text) => core.text(now, &text),
        _ => core.heard(now),
    }
}

/// Closes with 1000 and waits for the server's answer, or until time is up.
async fn close(shared: &Shared, mut socket: Socket) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let goodbye = async {
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    };
    tokio::select! {
        () = goodbye => {}
        () = at(shared.core().deadline()) => {}
    }
    shared.core().ended(now(), Disconnect::new(Cause::Normal, ""));
}

/// Writes what there is to write, and is ready when something was read or all is over.
///
/// # Cancel safety
/// What was read is in `received`, what was not written still in the core.
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
        // What the server sent before the end is read even if nothing can be written any more.
        while this.received.len() < BATCH {
            match Pin::new(&mut *this.socket).poll_next(cx) {
                Poll::Ready(Some(Ok(Message::Close(frame)))) => {
                    let code = frame.as_ref().map(|frame| u16::from(frame.code));
                    let reason = frame.as_ref().map_or("", |frame| frame.reason.as_str());
                    return Poll::Ready(Some(Disconnect::closed(code, reason)));
                }
                Poll::Ready(Some(Ok(message))) => this.received.push(message),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(broken(&error))),
                Poll::Ready(None) => return Poll::Ready(Some(Disconnect::new(Cause::Lost, "the stream ended"))),
                Poll::Pending => break,
            }
        }
        if !this.received.is_empty() {
            return Poll::Ready(None);
        }
        match written {
            Poll::Ready(Err(error)) => Poll::Ready(Some(broken(&error))),
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
            let Some(text) = self.shared.core().pop() else { break };
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

fn broken(error: &tungstenite::Error) -> Disconnect {
    let cause = match error {
        tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_) => Cause::Protocol,
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => Cause::Lost,
        tungstenite::Error::Protocol(_) => Cause::Protocol,
        tungstenite::Error::WriteBufferFull(_) => {
            return Disconnect::new(Cause::NotReading, "more waits to be written than the client's bound allows");
        }
        _ => Cause::Lost,
    };
    Disconnect::new(cause, error.to_string())
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
