//! Builds and connects clients.

use std::{fmt, io, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};

#[cfg(feature = "rustls")]
use crate::tls;
use crate::{
    backoff::Backoff,
    client::Client,
    dial::{self, Connector, Dialer, TokenProvider},
    error::Error,
    random::Random,
    shared::now,
    state::{ClientState, Settings},
    storage::Storage,
};

impl Client {
    /// Connects with the default settings, and waits for the first connection.
    ///
    /// # Errors
    /// Returns an error if the URL is not valid or the first attempt fails. A client from
    /// [`builder`](Self::builder) keeps trying instead.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).build()?.connected().await
    }

    /// Returns a builder for a client of a URL like `ws://host:8000/api/v1/ws`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }
}

/// Configures and builds a [`Client`].
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
    fn new(url: String) -> Self {
        let seconds = Duration::from_secs;
        let settings = Settings {
            backoff: Backoff::default(),
            connect_timeout: seconds(10),
            request_timeout: seconds(10),
            close_timeout: seconds(2),
            heartbeat: seconds(10),
            silence: seconds(10),
            queue: 1_024,
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

    /// Sets the token that is sent as `Authorization: Bearer …`.
    #[must_use]
    pub fn token(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.token_provider(move || std::future::ready(Ok::<_, String>(token.clone())))
    }

    /// Sets a function that is called for a token before every attempt, so that no expired token
    /// is sent. If it fails, the attempt fails.
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

    /// Adds a header to every handshake.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the TLS configuration for `wss` URLs, for example with other root certificates or with
    /// a client certificate. Default: the system's root certificates and rustls' defaults.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Sets a function that opens the stream under the WebSocket: over another TLS library, through
    /// a proxy, or in memory for a test. Default: TCP, and TLS for `wss` URLs.
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

    /// Saves the current subscriptions to a storage, so that the next run of the program can
    /// [restore](Client::restore) them.
    ///
    /// A subscription that is dropped before the client is closed is removed from the storage. To
    /// resume subscriptions in the next run, [close](Client::close) the client before dropping
    /// them; if the program is killed, all of them are still saved.
    #[must_use]
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Some(Arc::new(storage));
        self
    }

    /// Sets the delays between attempts to connect, which are also added to the delay before a
    /// refused subscription is retried.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// Sets how long an attempt to connect may take. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Sets how long a request may take, including the wait for a connection. Default: 10 s.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// Sets how many requests may wait, to be sent or for their replies. A request that exceeds the
    /// limit fails with [`NotSent::QueueFull`](crate::NotSent::QueueFull). Default: 1,024.
    #[must_use]
    pub fn queue(mut self, requests: usize) -> Self {
        self.settings.queue = requests;
        self
    }

    /// Sets the interval between pings, which must be less than the server's heartbeat interval. A
    /// client that the server closed for a missing heartbeat shortens its interval. Default: 10 s.
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.settings.heartbeat = interval;
        self
    }

    /// Sets how long to wait for any frame after a ping before the connection counts as lost.
    /// Default: 10 s.
    #[must_use]
    pub fn silence(mut self, limit: Duration) -> Self {
        self.settings.silence = limit;
        self
    }

    /// Sets the size limit of a message from the server, in bytes. Default: 16 MiB.
    #[must_use]
    pub fn message_bytes(mut self, limit: usize) -> Self {
        self.message_bytes = limit;
        self
    }

    /// Sets the size limit of a message to the server, in bytes. Default: 1 MiB.
    ///
    /// It also bounds what waits for a server that does not read: a connection with more than this
    /// limit plus 129 KiB of unwritten bytes ends with
    /// [`Cause::NotReading`](crate::Cause::NotReading).
    #[must_use]
    pub fn send_bytes(mut self, limit: usize) -> Self {
        self.settings.send_bytes = limit;
        self
    }

    /// Sets the seed of the random delays, so that they are the same in every run. For tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Starts the client, which connects and reconnects by itself. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// Returns an error if the URL, a header or a setting is not valid, or if there is no runtime.
    pub fn build(self) -> Result<Client, Error> {
        let uri = self.uri()?;
        let connector = match &self.connector {
            Some(connector) => Arc::clone(connector),
            None if uri.scheme_str() == Some("wss") => self.tls_connector().map_err(|why| self.invalid_url(&why))?,
            None => dial::connector(dial::tcp),
        };
        let headers = self.headers.iter().map(header).collect::<Result<HeaderMap, Error>>()?;
        for (name, time) in [("heartbeat", self.settings.heartbeat), ("silence", self.settings.silence)] {
            if time.is_zero() {
                return Err(Error::configuration(format!("{name} is 0 s; a positive duration is expected")));
            }
        }
        let runtime = runtime::Handle::try_current()
            .map_err(|_| Error::configuration("there is no tokio runtime; build the client within one"))?;
        let random = self.seed.map_or_else(Random::from_entropy, Random::seeded);
        let Self { token, message_bytes, settings, .. } = self;
        let dialer = Dialer { uri, headers, connector, token, message_bytes, send_bytes: settings.send_bytes };
        Ok(Client::start(ClientState::new(settings, random, now()), dialer, self.storage, &runtime))
    }

    fn uri(&self) -> Result<Uri, Error> {
        let uri: Uri = self.url.parse().map_err(|error: http::uri::InvalidUri| self.invalid_url(&error))?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(self.invalid_url(&"it has no host; a URL like ws://host:8000/path is expected"));
        }
        match uri.scheme_str() {
            Some("ws" | "wss") => Ok(uri),
            _ => Err(self.invalid_url(&"the scheme must be ws or wss")),
        }
    }

    fn invalid_url(&self, why: &dyn fmt::Display) -> Error {
        Error::configuration(format!("URL `{}`: {why}", self.url))
    }

    #[cfg(feature = "rustls")]
    fn tls_connector(&self) -> Result<Connector, String> {
        self.tls.clone().map_or_else(tls::system_config, Ok).map(tls::connector)
    }

    #[cfg(not(feature = "rustls"))]
    #[expect(clippy::unused_self, reason = "with the feature, the builder has the TLS configuration")]
    fn tls_connector(&self) -> Result<Connector, String> {
        let how = "enable the feature `rustls` of topicast-client, or set a connector that opens a TLS stream";
        Err(format!("wss needs TLS; {how}"))
    }
}

fn header((name, value): &(String, String)) -> Result<(HeaderName, HeaderValue), Error> {
    let name: HeaderName =
        name.parse().map_err(|_| Error::configuration(format!("`{name}` is not a valid header name")))?;
    let value = HeaderValue::try_from(value)
        .map_err(|_| Error::configuration(format!("header {name}: the value has characters that are not allowed")))?;
    Ok((name, value))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and tokens may be secrets.
        f.debug_struct("Builder").field("url", &self.url).field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build_error(builder: Builder) -> String {
        let error = builder.build().unwrap_err();
        assert!(error.is_configuration());
        error.to_string()
    }

    #[tokio::test]
    async fn what_is_not_valid_is_named() {
        let check = |url: &str, message: &str| assert_eq!(build_error(Client::builder(url)), message);
        check("http://x", "URL `http://x`: the scheme must be ws or wss");
        check("/x", "URL `/x`: it has no host; a URL like ws://host:8000/path is expected");
        let client = || Client::builder("ws://x");
        assert_eq!(build_error(client().header("a b", "c")), "`a b` is not a valid header name");
        assert_eq!(build_error(client().header("a", "\n")), "header a: the value has characters that are not allowed");
        assert_eq!(
            build_error(client().heartbeat(Duration::ZERO)),
            "heartbeat is 0 s; a positive duration is expected"
        );
    }

    #[cfg(not(feature = "rustls"))]
    #[tokio::test]
    async fn without_tls_its_feature_is_named() {
        assert_eq!(
            build_error(Client::builder("wss://x")),
            "URL `wss://x`: wss needs TLS; enable the feature `rustls` of topicast-client, \
             or set a connector that opens a TLS stream"
        );
    }

    #[test]
    fn a_client_needs_a_runtime() {
        assert!(build_error(Client::builder("ws://x")).starts_with("there is no tokio runtime"));
    }
}
