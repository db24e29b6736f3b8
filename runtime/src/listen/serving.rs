//! `topicast::serve`: axum's `serve` with pacing of new connections and time limits.

use std::{
    convert::Infallible,
    future::{IntoFuture, pending},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tower::ServiceExt;

use crate::{
    call::Pending,
    limits::HttpLimits,
    listen::{
        http_body::HttpBody,
        http_stream::{Exchanges, HttpStream},
        turnstile::Turnstile,
    },
};

/// The number of new connections that are accepted, and the number whose first request is served,
/// in one turn of tokio's scheduler.
const ADMITTED_PER_TURN: usize = 8;

/// The number of file descriptors for which the kernel's table is preallocated, at eight bytes each.
/// Lower if the process may not have as many.
#[cfg(target_os = "linux")]
const PREALLOCATED_DESCRIPTORS: i32 = 65_536;

/// The size of a connection's read buffer, and so the maximum size of a request's head.
const BUFFER_BYTES: usize = 64 * 1024;

/// The time that requests in progress have once the shutdown signal is received.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The time that clients then have to read their responses.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves a router, as `axum::serve` does, and admits new connections a few at a time.
///
/// When thousands of clients connect at once, for example after a restart, their handshakes share
/// the processor with established connections and do not raise their latency.
///
/// The extensions of every request contain the peer's address as axum's `ConnectInfo`.
///
/// ```no_run
/// # async fn run(ws: topicast::Server) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// topicast::serve(listener, ws.router("/ws")).await
/// # }
/// ```
pub fn serve(listener: TcpListener, router: Router) -> Serving {
    Serving { listener, router, limits: HttpLimits::default(), signal: Box::pin(pending()) }
}

/// The future that [`serve`] returns. The server starts when it is awaited.
///
/// ```no_run
/// # async fn run(ws: topicast::Server) -> std::io::Result<()> {
/// use std::time::Duration;
/// use topicast::HttpLimits;
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// topicast::serve(listener, ws.router("/ws"))
///     .with_limits(HttpLimits { head: Duration::from_secs(5), ..HttpLimits::default() })
///     .with_graceful_shutdown(async move { ws.shutdown().await })
///     .await
/// # }
/// ```
#[must_use = "a server does nothing until it is awaited"]
pub struct Serving {
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    signal: Pending<'static, ()>,
}

impl Serving {
    /// Sets the time limits of HTTP connections, which do not apply to WebSockets.
    pub fn with_limits(mut self, limits: HttpLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Stops accepting connections when `signal` completes, and returns when the requests in
    /// progress are answered, or after 10 s. [`Server::shutdown`](crate::Server::shutdown) closes
    /// WebSockets, so await it within the signal:
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
        preallocate_descriptor_table(&self.listener);
        let stop = watch::Sender::new(false);
        let (turnstile, mut accepts) = (Turnstile::new(ADMITTED_PER_TURN), 0_usize);
        let requests = ActiveRequests::default();
        loop {
            let accepted = tokio::select! {
                () = &mut self.signal => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let service =
                        Service { router: self.router.clone(), peer, requests: requests.clone(), limits: self.limits };
                    tokio::spawn(serve_connection(stream, turnstile.clone(), service, stop.subscribe()));
                    accepts += 1;
                    if accepts.is_multiple_of(ADMITTED_PER_TURN) {
                        tokio::task::yield_now().await;
                    }
                }
                Err(error) => {
                    // The process is probably out of file descriptors. Retrying before other
                    // connections end would only waste the processor.
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(self.listener);
        // Connections without a request in progress are not waited for.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, requests.finished()).await;
        stop.send_replace(true);
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, stop.closed()).await;
        Ok(())
    }
}

/// Makes the kernel enlarge this process's descriptor table before the first connection.
///
/// The kernel doubles the table whenever it is full. In a process with several threads, the thread
/// that opens the next descriptor then blocks for an RCU grace period (`expand_fdtable` in Linux's
/// `fs/file.c`): 10 to 25 ms at the 512th, 1,024th, 2,048th … connection, which delays every task on
/// that thread.
#[cfg(target_os = "linux")]
fn preallocate_descriptor_table(listener: &TcpListener) {
    // The table has a power of two of entries above the highest descriptor, and never shrinks.
    let highest =
        std::iter::successors(Some(PREALLOCATED_DESCRIPTORS / 2), |highest| (*highest > 256).then_some(highest / 2));
    let _duplicate = highest.into_iter().find_map(|highest| rustix::io::fcntl_dupfd_cloexec(listener, highest).ok());
}

#[cfg(not(target_os = "linux"))]
fn preallocate_descriptor_table(_: &TcpListener) {}

impl IntoFuture for Serving {
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The number of requests in progress, from their head to their response.
#[derive(Debug, Clone)]
struct ActiveRequests(watch::Sender<usize>);

impl Default for ActiveRequests {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl ActiveRequests {
    fn begin(&self) -> ActiveRequest {
        self.0.send_modify(|count| *count += 1);
        ActiveRequest(self.0.clone())
    }

    async fn finished(&self) {
        // An error is impossible, because `self` holds the sender.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// Counts one request as in progress until it is dropped.
struct ActiveRequest(watch::Sender<usize>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Answers the requests of one connection.
struct Service {
    router: Router,
    peer: SocketAddr,
    requests: ActiveRequests,
    limits: HttpLimits,
}

async fn serve_connection(stream: TcpStream, turnstile: Turnstile, service: Service, mut stop: watch::Receiver<bool>) {
    // Readiness may be spurious, so this waits for the first byte.
    let mut buffer = [0];
    let has_request = tokio::select! {
        peeked = tokio::time::timeout(service.limits.head, stream.peek(&mut buffer)) => matches!(peeked, Ok(Ok(1))),
        () = stopped(&mut stop) => false,
    };
    if has_request {
        turnstile.pass().await;
        serve_stream(stream, service, stop).await;
    }
}

/// Serves HTTP/1 until the connection ends or is upgraded.
async fn serve_stream<S>(stream: S, service: Service, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Service { router, peer, requests, limits } = service;
    let exchanges = Exchanges::new();
    let stream = HttpStream::new(stream, limits, exchanges.clone());
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (router, requests, exchanges) = (router.clone(), requests.clone(), exchanges.clone());
        async move {
            let exchange = exchanges.begin();
            exchanges.unblocked().await;
            let _progress = requests.begin();
            let mut request = request.map(|body| HttpBody::new(body, limits.body));
            request.extensions_mut().insert(ConnectInfo(peer));
            let response = router.oneshot(request).await?;
            // The exchange ends when the response's body is dropped.
            Ok::<_, Infallible>(response.map(|body| {
                body.map_err(move |error| {
                    let _exchange = &exchange;
                    error
                })
            }))
        }
    });
    let mut builder = http1::Builder::new();
    // `HttpStream` enforces the time limits.
    builder.header_read_timeout(None).max_buf_size(BUFFER_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "HTTP connection failed");
    }
}

/// Waits until the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server was dropped, which also stops it.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{body::Bytes, routing};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
        task::JoinHandle,
        time::Instant,
    };

    use super::*;

    const LARGE: usize = 1 << 20;

    /// One in-memory connection under tokio's paused clock, which advances only while all tasks wait.
    struct Connection {
        stream: DuplexStream,
        served: JoinHandle<()>,
        /// The number of requests that the handler answered.
        answered: Arc<AtomicUsize>,
        began: Instant,
        /// Held so that the server does not stop.
        stop: watch::Sender<bool>,
    }

    /// Advances the paused clock.
    async fn pass(seconds: u64) {
        let _ = tokio::time::timeout(Duration::from_secs(seconds), pending::<()>()).await;
    }

    fn connect() -> Connection {
        tokio::time::pause();
        let (stream, server) = tokio::io::duplex(16 * 1024);
        let (stop, answered) = (watch::Sender::new(false), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&answered);
        let large = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { vec![b'x'; LARGE] }
        };
        let router = Router::new()
            .route("/small", routing::get(async || "small"))
            .route("/large", routing::get(large))
            .route("/body", routing::post(async |body: Bytes| body.len().to_string()))
            .route("/slow", routing::get(async || pass(60).await));
        let service = Service {
            router,
            peer: "192.0.2.1:99".parse().unwrap(),
            requests: ActiveRequests::default(),
            limits: HttpLimits::default(),
        };
        let served = tokio::spawn(serve_stream(server, service, stop.subscribe()));
        Connection { stream, served, answered, began: Instant::now(), stop }
    }

    impl Connection {
        async fn send(&mut self, text: &str) {
            self.stream.write_all(text.as_bytes()).await.unwrap();
        }

        /// Reads until this text, inclusive.
        async fn read_to(&mut self, end: &str) {
            let mut seen = Vec::new();
            while !seen.ends_with(end.as_bytes()) {
                seen.push(self.stream.read_u8().await.unwrap());
            }
        }

        /// Sends a byte each second until the server ends the connection, and returns the elapsed
        /// seconds.
        async fn trickle(mut self) -> u64 {
            for _ in 0..1000 {
                if self.served.is_finished() {
                    break;
                }
                let _ = self.stream.write_all(b"x").await;
                pass(1).await;
            }
            self.began.elapsed().as_secs()
        }

        /// Waits until the server ends the connection, and returns the elapsed seconds.
        async fn ended(self) -> u64 {
            self.served.await.unwrap();
            self.began.elapsed().as_secs()
        }
    }

    const SMALL: &str = "GET /small HTTP/1.1\r\nHost: x\r\n\r\n";

    #[tokio::test]
    async fn the_head_of_a_request_has_to_arrive_within_ten_seconds() {
        for head in ["", "P", "GET /small HTTP/1.1\r\nHost: "] {
            let mut connection = connect();
            connection.send(head).await;
            assert_eq!(connection.ended().await, 10, "{head}");
            tokio::time::resume();
        }
        let mut connection = connect();
        connection.send("GET /small HTTP/1.1\r\nX: ").await;
        assert_eq!(connection.trickle().await, 10);
    }

    #[tokio::test]
    async fn a_connection_is_kept_for_ten_seconds_after_a_response() {
        let mut connection = connect();
        for _ in 0..5 {
            pass(9).await;
            connection.send(SMALL).await;
            connection.read_to("small").await;
        }
        assert_eq!(connection.ended().await, 45 + 10);
    }

    #[tokio::test]
    async fn a_slow_handler_is_waited_for() {
        let mut connection = connect();
        connection.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
        connection.read_to("\r\n\r\n").await;
        assert_eq!(connection.began.elapsed().as_secs(), 60);
        assert_eq!(connection.ended().await, 70);
    }

    #[tokio::test]
    async fn a_body_has_to_be_complete_within_the_time_limit() {
        let mut connection = connect();
        connection.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n").await;
        assert_eq!(connection.trickle().await, 30);
        tokio::time::resume();

        let mut connection = connect();
        connection.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n").await;
        pass(29).await;
        connection.send("body").await;
        connection.read_to("\r\n\r\n4").await;
    }

    #[tokio::test]
    async fn unread_responses_are_produced_one_at_a_time_and_end_the_connection() {
        let mut connection = connect();
        let requests = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
        connection.send(&requests).await;
        let answered = Arc::clone(&connection.answered);
        assert_eq!(connection.ended().await, 10);
        assert_eq!(answered.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn pipelined_requests_are_answered_as_their_responses_are_read() {
        let mut connection = connect();
        connection.send(&"GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(5)).await;
        for _ in 0..5 {
            connection.read_to("\r\n\r\n").await;
            let mut body = vec![0; LARGE];
            connection.stream.read_exact(&mut body).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_slow_client_receives_all_of_a_large_response() {
        let mut connection = connect();
        connection.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await;
        connection.read_to("\r\n\r\n").await;
        let mut left = LARGE;
        while left > 0 {
            pass(5).await;
            let len = connection.stream.read(&mut vec![0; 32 * 1024]).await.unwrap();
            assert!(len > 0, "cut with {left} bytes left, after {:?}", connection.began.elapsed());
            left -= len;
        }
        assert!(connection.began.elapsed() > Duration::from_secs(60), "the reader was not slow");
    }

    #[tokio::test]
    async fn a_stop_ends_an_idle_connection_at_once() {
        let mut connection = connect();
        connection.send(SMALL).await;
        connection.read_to("small").await;
        connection.stop.send_replace(true);
        assert_eq!(connection.ended().await, 0);
    }
}
