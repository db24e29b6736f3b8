//! Opens connections: stream, token, handshake.

use std::{io, pin::Pin, sync::Arc};

use http::{
    HeaderMap, HeaderValue, Uri,
    header::{AUTHORIZATION, RETRY_AFTER},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, client::IntoClientRequest, protocol::WebSocketConfig},
};

use crate::disconnect::{Cause, Disconnect};

/// A boxed future.
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Opens a stream to the host of a URL.
pub(crate) type Connector = Arc<dyn Fn(Uri) -> BoxFuture<io::Result<Box<dyn Stream>>> + Send + Sync>;

/// Returns a token for the next connection.
pub(crate) type TokenProvider = Arc<dyn Fn() -> BoxFuture<Result<String, String>> + Send + Sync>;

/// The transport of a WebSocket.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// Opens WebSockets to one server.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) connector: Connector,
    pub(crate) token: Option<TokenProvider>,
    pub(crate) message_bytes: usize,
    pub(crate) send_bytes: usize,
}

impl Dialer {
    /// Makes one attempt to connect.
    ///
    /// # Errors
    /// Returns the reason if the connection could not be opened.
    pub(crate) async fn dial(self) -> Result<Socket, Disconnect> {
        let unreachable = |error: &dyn ToString| Disconnect::new(Cause::Unreachable, error.to_string());
        let mut request = self.uri.clone().into_client_request().map_err(|error| unreachable(&error))?;
        request.headers_mut().extend(self.headers);
        if let Some(provider) = self.token {
            let no_token = |reason| Disconnect::new(Cause::NoToken, reason);
            let token = provider().await.map_err(no_token)?;
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| no_token("the token has characters that a header cannot have".to_owned()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let stream = (self.connector)(self.uri).await.map_err(|error| unreachable(&error))?;
        let config = WebSocketConfig::default();
        let config = config
            .max_message_size(Some(self.message_bytes))
            .max_frame_size(Some(self.message_bytes))
            // Room for the largest message and its frame header, beside what is being written.
            .max_write_buffer_size(self.send_bytes.saturating_add(config.write_buffer_size + 1024));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                Err(Disconnect::rejected(response.status().as_u16(), retry_after, body))
            }
            Err(error) => Err(unreachable(&error)),
        }
    }
}

/// Connects over TCP, to the port of the URL or the default port of its scheme.
pub(crate) async fn tcp(uri: Uri) -> io::Result<TcpStream> {
    let usual = if uri.scheme_str() == Some("wss") { 443 } else { 80 };
    let stream = TcpStream::connect((host(&uri), uri.port_u16().unwrap_or(usual))).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Returns the host of a URL in the form that resolvers and certificates use, without brackets.
pub(crate) fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// Erases the types of a connector.
pub(crate) fn connector<F, Fut, S>(open: F) -> Connector
where
    F: Fn(Uri) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = io::Result<S>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    Arc::new(move |uri| {
        let opening = open(uri);
        Box::pin(async move { Ok(Box::new(opening.await?) as Box<dyn Stream>) })
    })
}
