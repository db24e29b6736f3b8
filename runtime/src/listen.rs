//! `topicast::serve`: axum's `serve`, with a turnstile for newcomers.

use std::{
    future::{IntoFuture, pending},
    io,
    net::SocketAddr,
    pin::Pin,
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tower::ServiceExt;

use crate::{router::Pending, turnstile::Turnstile};

/// How many newcomers are accepted, and how many are answered, in one turn of tokio's scheduler.
const NEWCOMERS: usize = 8;

/// For how many descriptors there is room from the beginning, at eight bytes each; for fewer where
/// the process may not have as many.
#[cfg(target_os = "linux")]
const DESCRIPTORS: i32 = 65_536;

/// How long a client may take to send anything, and then the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests in progress may take once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long responses may take to be read after that.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves a router, as `axum::serve` does, and lets newcomers in a few at a time.
///
/// A storm of them, after a restart for example, shares the processor with those who are being
/// served instead of keeping it to itself until the last newcomer is in.
///
/// The peer's address is in the extensions of every request as axum's `ConnectInfo`.
///
/// ```no_run
/// # async fn run(ws: topicast::Server) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// topicast::serve(listener, ws.router("/ws")).await
/// # }
/// ```
pub fn serve(listener: TcpListener, router: Router) -> Serving {
    Serving { listener, router, signal: Box::pin(pending()) }
}

/// A server that starts when it is awaited.
#[must_use = "a server does nothing until it is awaited"]
pub struct Serving {
    listener: TcpListener,
    router: Router,
    signal: Pending<'static, ()>,
}

impl Serving {
    /// Stops accepting when the future is ready, and returns when the requests in progress
    /// are answered, or after 10 s. WebSockets are closed by
    /// [`Server::shutdown`](crate::Server::shutdown), so await that within the signal:
    ///
    /// ```no_run
    /// # async fn run(ws: topicast::Server, listener: tokio::net::TcpListener) -> std::io::Result<()> {
    /// let router = ws.router("/ws");
    /// topicast::serve(listener, router)
    ///     .with_graceful_shutdown(async move {
    ///         let _ = tokio::signal::ctrl_c().await;
    ///         ws.shutdown().await;
    ///     })
    ///     .await
    /// # }
    /// ```
    pub fn with_graceful_shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.signal = Box::pin(signal);
        self
    }

    async fn run(mut self) -> io::Result<()> {
        make_room_for_descriptors(&self.listener);
        let graceful = GracefulShutdown::new();
        let (turnstile, mut accepts) = (Turnstile::new(NEWCOMERS), 0_usize);
        let requests = Requests::default();
        loop {
            let accepted = tokio::select! {
                () = &mut self.signal => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let service = Service { router: self.router.clone(), peer, requests: requests.clone() };
                    tokio::spawn(serve_connection(stream, turnstile.clone(), service, graceful.watcher()));
                    accepts += 1;
                    if accepts.is_multiple_of(NEWCOMERS) {
                        tokio::task::yield_now().await;
                    }
                }
                Err(error) => {
                    // Out of descriptors, most likely: other connections have to end first,
                    // and trying again at once would only burn the processor.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(self.listener);
        // Whoever has not asked for anything is not waited for.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, requests.finished()).await;
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, graceful.shutdown()).await;
        Ok(())
    }
}

/// Has the kernel make the table of this process's descriptors large at once.
///
/// Otherwise it doubles whenever it is full, and in a process of several threads whoever opens the
/// next descriptor then stands still for an RCU grace period (`expand_fdtable` in Linux's
/// `fs/file.c`): for 10 to 25 ms at the 512th, 1,024th, 2,048th … connection, with everybody else
/// on that thread. Once, before anybody is there, harms nobody.
#[cfg(target_os = "linux")]
fn make_room_for_descriptors(listener: &TcpListener) {
    // Its size is a power of two above the highest descriptor, and stays.
    let highest = std::iter::successors(Some(DESCRIPTORS / 2), |highest| (*highest > 256).then_some(highest / 2));
    let _made = highest.into_iter().find_map(|highest| rustix::io::fcntl_dupfd_cloexec(listener, highest).ok());
}

#[cfg(not(target_os = "linux"))]
fn make_room_for_descriptors(_: &TcpListener) {}

impl IntoFuture for Serving {
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Requests between their head and their response.
#[derive(Debug, Clone)]
struct Requests(watch::Sender<usize>);

impl Default for Requests {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Requests {
    fn begin(&self) -> Request {
        self.0.send_modify(|count| *count += 1);
        Request(self.0.clone())
    }

    async fn finished(&self) {
        // The sender is alive: it is this one.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// One request in progress, until it is dropped.
struct Request(watch::Sender<usize>);

impl Drop for Request {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// What answers the requests of one connection.
struct Service {
    router: Router,
    peer: SocketAddr,
    requests: Requests,
}

async fn serve_connection(stream: TcpStream, turnstile: Turnstile, service: Service, watcher: Watcher) {
    let peer = service.peer;
    // Readiness may be told too early; a byte that is there is certain.
    if !matches!(tokio::time::timeout(HEADER_TIMEOUT, stream.peek(&mut [0])).await, Ok(Ok(1))) {
        return;
    }
    turnstile.pass().await;
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(service.peer));
        let (router, progress) = (service.router.clone(), service.requests.begin());
        async move {
            let response = router.oneshot(request).await;
            drop(progress);
            response
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%peer, %error, "a connection ended");
    }
}
