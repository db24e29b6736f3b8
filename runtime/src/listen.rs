//! `topicast::serve`: axum's `serve`, with a limit on handshakes in progress.

use std::{
    future::{IntoFuture, pending},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt;

use crate::spec::Pending;

/// How many connections may be between their acceptance and their first response. More
/// wait in the listener's queue, so that a storm of newcomers leaves time for those who
/// are being served.
const HANDSHAKES: usize = 64;

/// How long a connection that sends nothing counts as a handshake in progress.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(1);

/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests in progress may take once the server is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves a router, as `axum::serve` does, and limits handshakes in progress.
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
        let graceful = GracefulShutdown::new();
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
        loop {
            let accepted = tokio::select! {
                () = &mut self.signal => break,
                accepted = accept(&self.listener, &handshakes) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            serve_connection(stream, peer, permit, self.router.clone(), &graceful);
        }
        drop(self.listener);
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
        Ok(())
    }
}

impl IntoFuture for Serving {
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

async fn accept(
    listener: &TcpListener,
    handshakes: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(handshakes).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(error) => {
            // Out of descriptors, most likely: other connections have to end first, and
            // trying again at once would only burn the processor.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    router: Router,
    graceful: &GracefulShutdown,
) {
    let permit = Arc::new(Mutex::new(Some(permit)));
    let release = move |permit: &Mutex<Option<OwnedSemaphorePermit>>| {
        drop(permit.lock().expect("nothing panics while a permit is released").take());
    };
    let answered = Arc::clone(&permit);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        let permit = Arc::clone(&answered);
        async move {
            let response = router.oneshot(request).await;
            release(&permit);
            response
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        let mut connection = std::pin::pin!(connection);
        let served = tokio::select! {
            served = &mut connection => served,
            () = tokio::time::sleep(HANDSHAKE_PATIENCE) => {
                release(&permit);
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%peer, %error, "a connection ended");
        }
    });
}
