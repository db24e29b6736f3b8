//! A server that can be killed, and helpers for clients of it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt};
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
    time::timeout,
};
use topicast::{Builder, Server, Topic};
use topicast_client::{Backoff, Client};
use topicast_tests::channels::{self, App, Bars, Resolution};

/// How long a test waits before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A real server on its own runtime.
pub(crate) struct TestServer {
    pub(crate) ws: Server,
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::build(|builder| builder)
    }

    /// Starts a server on a free port with a changed builder.
    pub(crate) fn build(set_up: impl FnOnce(Builder<Arc<App>>) -> Builder<Arc<App>>) -> Self {
        Self::serve(set_up(channels::builder(&Arc::default())).build().expect("the declarations fit together"))
    }

    /// Serves on a free port.
    pub(crate) fn serve(ws: Server) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let router = ws.router("/");
        runtime.spawn(async move {
            listener.set_nonblocking(true)?;
            topicast::serve(TcpListener::from_std(listener)?, router).await
        });
        Self { ws, address, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        url(self.address)
    }

    pub(crate) fn topic(&self, symbol: &str) -> Topic<Bars> {
        self.ws.publisher::<Bars>().expect("bars are listed").topic(&bars(symbol)).expect("a good topic")
    }
}

impl Drop for TestServer {
    /// Kills the server: sockets end without a close frame.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("ws://{address}/")
}

pub(crate) fn bars(symbol: &str) -> Bars {
    Bars { symbol: symbol.to_owned(), resolution: Resolution::M1 }
}

/// Returns a builder for a client with a short backoff.
pub(crate) fn eager(url: &str) -> topicast_client::Builder {
    let millis = Duration::from_millis;
    Client::builder(url).seed(1).backoff(Backoff { base: millis(1), cap: millis(4), stable: millis(50) })
}

/// Returns the next item of a stream.
pub(crate) async fn next<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    soon(stream.next()).await.expect("the stream goes on")
}

/// Awaits a future, and fails if it takes too long.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("in time")
}

/// Returns the first item that matches, and skips the items before it.
pub(crate) async fn until<S: Stream + Unpin, T>(stream: &mut S, mut wanted: impl FnMut(S::Item) -> Option<T>) -> T {
    loop {
        if let Some(found) = wanted(next(stream).await) {
            return found;
        }
    }
}
