//! A server that can be killed, and what tests ask of a client of it.

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

/// How long anything may take before a test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The real server on threads of its own.
pub(crate) struct Running {
    pub(crate) ws: Server,
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Running {
    pub(crate) fn start() -> Self {
        Self::build(|builder| builder)
    }

    /// A server on a free port, set up further.
    pub(crate) fn build(set_up: impl FnOnce(Builder<Arc<App>>) -> Builder<Arc<App>>) -> Self {
        let ws = set_up(channels::builder(&Arc::default())).build().expect("the declarations fit together");
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

impl Drop for Running {
    /// Killed: sockets end where they are, and nothing is said.
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

/// A client that does not wait long.
pub(crate) fn eager(url: &str) -> topicast_client::Builder {
    let millis = Duration::from_millis;
    Client::builder(url).seed(1).backoff(Backoff { base: millis(1), cap: millis(4), stable: millis(50) })
}

/// The next item, in time.
pub(crate) async fn next<S: Stream + Unpin>(stream: &mut S) -> S::Item {
    soon(stream.next()).await.expect("the stream goes on")
}

/// Whatever it is, in time.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("in time")
}

/// The first item that is wanted; others before it are passed over.
pub(crate) async fn until<S: Stream + Unpin, T>(stream: &mut S, mut wanted: impl FnMut(S::Item) -> Option<T>) -> T {
    loop {
        if let Some(found) = wanted(next(stream).await) {
            return found;
        }
    }
}
