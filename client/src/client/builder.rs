//! How a client is put together.

use std::{fmt, io, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};

use super::Client;
#[cfg(feature = "rustls")]
use crate::tls;
use crate::{
    backoff::Backoff,
    core::{Core, Settings},
    dial::{self, Connector, Dial, TokenProvider},
    error::Error,
    random::Random,
    shared::now,
    storage::Storage,
};

/// Builds a [`Client`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use topicast_client::Client;
///
/// let client = Client::builder("ws://localhost:8000/ws")
///     .token("secret")
///     .header("x-request-source", "desk")
///     .connect_timeout(Duration::from_secs(3))
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub struct Builder {
    url: String,
    headers: Vec<(String, String)>,
    token: Option<TokenProvider>,
    connector: Option<Connector>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
    storage: Option<Arc<dyn Storage>>,
    settings: Settings,
    message_bytes: usize,
    seed: Option<u64>,
}

impl Builder {
    pub(crate) fn new(url: String) -> Self {
        let seconds = Duration::from_secs;
        let settings = Settings {
            backoff: Backoff::default(),
            connect_timeout: seconds(10),
            request_timeout: seconds(10),
            close_timeout: seconds(2),
            heartbeat: seconds(10),
            silence: seconds(10),
            queue: 256,
            send_bytes: 1 << 20,
        };
        Self {
            url,
            headers: Vec::new(),
            token: None,
            connector: None,
            #[cfg(feature = "rustls")]
            tls: None,
            storage: None,
            settings,
            message_bytes: 16 << 20,
            seed: None,
        }
    }

    /// A token that is sent as `Authorization: Bearer …`.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.token_provider(move || std::future::ready(Ok::<_, String>(token.clone())))
    }

    /// Asked for a token before every attempt, so that one that has expired is not sent again.
    /// When it fails, the attempt has failed.
    #[must_use]
    pub fn token_provider<F, Fut, E>(mut self, provider: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: fmt::Display,
    {
        self.token = Some(Arc::new(move || {
            let token = provider();
            Box::pin(async move { token.await.map_err(|error| error.to_string()) })
        }));
        self
    }

    /// A header of every handshake.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How `wss:` addresses are connected to, in place of the certificates that the system
    /// trusts and rustls' defaults: with other roots, or a certificate of the client's own.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Opens the stream that the WebSocket runs over, in place of TCP and TLS: through
    /// another library's TLS, through a proxy, or within a test.
    #[must_use]
    pub fn connector<F, Fut, S>(mut self, open: F) -> Self
    where
        F: Fn(Uri) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.connector = Some(dial::connector(open));
        self
    }

    /// Keeps what is subscribed to, so that a program which starts again
    /// [restores](Client::restore) it.
    ///
    /// What is dropped before the client is closed was left on purpose and is not kept. So
    /// [close](Client::close) the client before its subscriptions go where the next run is to
    /// resume them; a program that is killed left nothing on purpose.
    #[must_use]
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Some(Arc::new(storage));
        self
    }

    /// The waits between attempts, and before a refused subscription is asked for again
    /// where the server does not say when.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// How long an attempt may take. 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// How long a request may take, waiting for a connection included. 10 s.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// How many requests may wait to be sent. 256.
    #[must_use]
    pub fn queue(mut self, requests: usize) -> Self {
        self.settings.queue = requests;
        self
    }

    /// How often the server hears from this client; has to be less than the server's own
    /// interval. A client that was closed for its silence pings more often from then on. 10 s.
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.settings.heartbeat = interval;
        self
    }

    /// How long nothing may come after a ping before the connection counts as lost. 10 s.
    #[must_use]
    pub fn silence(mut self, limit: Duration) -> Self {
        self.settings.silence = limit;
        self
    }

    /// The largest message that is taken from the server. 16 MiB.
    #[must_use]
    pub fn message_bytes(mut self, limit: usize) -> Self {
        self.message_bytes = limit;
        self
    }

    /// The largest message that is sent. 1 MiB.
    ///
    /// It bounds what waits for a server that does not read, too: a connection on which more
    /// than this and 129 KiB wait to be written ends with [`Cause::NotReading`](crate::Cause::NotReading).
    #[must_use]
    pub fn send_bytes(mut self, limit: usize) -> Self {
        self.settings.send_bytes = limit;
        self
    }

    /// Makes the waits the same in every run; for tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts the client, which connects by itself and for ever. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When the address, a header or a time does not fit, or there is no runtime.
    pub fn build(self) -> Result<Client, Error> {
        let uri = self.uri()?;
        let connector = match &self.connector {
            Some(connector) => Arc::clone(connector),
            None if uri.scheme_str() == Some("wss") => self.tls_connector().map_err(|why| self.no_address(&why))?,
            None => dial::connector(dial::tcp),
        };
        let headers = self.headers.iter().map(header).collect::<Result<HeaderMap, Error>>()?;
        for (name, time) in [("heartbeat", self.settings.heartbeat), ("silence", self.settings.silence)] {
            if time.is_zero() {
                return Err(Error::configuration(format!("{name} is 0 s; a time of more than nothing is expected")));
            }
        }
        let runtime = runtime::Handle::try_current()
            .map_err(|_| Error::configuration("there is no tokio runtime here; build the client within one"))?;
        let random = self.seed.map_or_else(Random::of_the_system, Random::seeded);
        let Self { token, message_bytes, settings, .. } = self;
        let dial = Dial { uri, headers, connector, token, message_bytes, send_bytes: settings.send_bytes };
        Ok(Client::start(Core::new(settings, random, now()), dial, self.storage, &runtime))
    }

    fn uri(&self) -> Result<Uri, Error> {
        let uri: Uri = self.url.parse().map_err(|error: http::uri::InvalidUri| self.no_address(&error))?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(self.no_address(&"there is no host; an address like ws://host:8000/path is expected"));
        }
        match uri.scheme_str() {
            Some("ws" | "wss") => Ok(uri),
            _ => Err(self.no_address(&"the scheme is not ws or wss")),
        }
    }

    fn no_address(&self, why: &dyn fmt::Display) -> Error {
        Error::configuration(format!("address `{}`: {why}", self.url))
    }

    #[cfg(feature = "rustls")]
    fn tls_connector(&self) -> Result<Connector, String> {
        self.tls.clone().map_or_else(tls::of_the_system, Ok).map(tls::connector)
    }

    #[cfg(not(feature = "rustls"))]
    #[expect(clippy::unused_self, reason = "with the feature the builder has the settings of TLS")]
    fn tls_connector(&self) -> Result<Connector, String> {
        let how = "enable the feature `rustls` of topicast-client, or give a connector that opens a TLS stream";
        Err(format!("wss needs TLS; {how}"))
    }
}

fn header((name, value): &(String, String)) -> Result<(HeaderName, HeaderValue), Error> {
    let name: HeaderName =
        name.parse().map_err(|_| Error::configuration(format!("`{name}` is not the name of a header")))?;
    let value = HeaderValue::try_from(value)
        .map_err(|_| Error::configuration(format!("header {name}: the value has characters that it cannot have")))?;
    Ok((name, value))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and tokens are secrets.
        f.debug_struct("Builder").field("url", &self.url).field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(builder: Builder) -> String {
        let error = builder.build().unwrap_err();
        assert!(error.is_configuration());
        error.to_string()
    }

    #[tokio::test]
    async fn what_does_not_fit_is_named() {
        let check = |url: &str, message: &str| assert_eq!(refused(Client::builder(url)), message);
        check("http://x", "address `http://x`: the scheme is not ws or wss");
        check("/x", "address `/x`: there is no host; an address like ws://host:8000/path is expected");
        let client = || Client::builder("ws://x");
        assert_eq!(refused(client().header("a b", "c")), "`a b` is not the name of a header");
        assert_eq!(refused(client().header("a", "\n")), "header a: the value has characters that it cannot have");
        assert_eq!(
            refused(client().heartbeat(Duration::ZERO)),
            "heartbeat is 0 s; a time of more than nothing is expected"
        );
    }

    #[cfg(not(feature = "rustls"))]
    #[tokio::test]
    async fn without_tls_its_feature_is_named() {
        assert_eq!(
            refused(Client::builder("wss://x")),
            "address `wss://x`: wss needs TLS; enable the feature `rustls` of topicast-client, \
             or give a connector that opens a TLS stream"
        );
    }

    #[test]
    fn a_client_needs_a_runtime() {
        assert!(refused(Client::builder("ws://x")).starts_with("there is no tokio runtime here"));
    }
}
