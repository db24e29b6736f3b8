//! The application: a source of trades, a market, and the server that publishes its bars.

use std::{fmt, io, sync::Arc};

use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};
use topicast::{Contact, Licence, Server, ServerInfo, channels, compat};
use tracing::info;

use crate::{
    bar::Bars,
    broadcaster::BarBroadcaster,
    candles::Candles,
    config::{Settings, WebSocketSettings},
    http,
    market::Market,
    publish::BoxError,
    source::TradeSource,
};

/// The trading API, ready to serve.
pub struct App {
    ws: Server,
    market: Arc<Market>,
    source: TradeSource,
    router: Router,
    enabled: bool,
}

/// Builds the WebSocket server of the application.
///
/// # Errors
/// Returns an error if the channels or settings are not valid together.
pub fn websocket(settings: &WebSocketSettings) -> Result<Server, topicast::Error> {
    Server::builder("Trading WebSockets", "1.0.0")
        .id("urn:topicast:trading-api")
        .description(
            "Real-time market data. Subscribe to a symbol at a resolution and receive its bars: the current one at \
             every interval, and each bar's final state when it ends.",
        )
        .contact(Contact {
            name: Some("The operator of this server".to_owned()),
            url: Some("https://example.com/".to_owned()),
            email: Some("contact@example.com".to_owned()),
        })
        .licence(Licence {
            name: "MIT OR Apache-2.0".to_owned(),
            url: Some("https://spdx.org/licenses/MIT.html".to_owned()),
        })
        .server(ServerInfo {
            name: "development".to_owned(),
            host: "127.0.0.1:8000".to_owned(),
            protocol: "ws".to_owned(),
            description: Some("Started with `cargo xtask serve`.".to_owned()),
        })
        .tag("datafeed", "Market data: bars of every symbol.")
        .heartbeat(settings.ws_heartbeat_interval.0)
        .lifespan(settings.ws_max_connection_lifespan.0)
        .limits(settings.limits())
        .profile(compat::fastws().with_server_pings(settings.ws_server_pings))
        .channels(channels![Bars])
        .build()
}

impl App {
    /// Builds the application. Blocks while it reads the beginning of a tape.
    ///
    /// # Errors
    /// Returns an error if the WebSocket server cannot be built, or if a symbol can have no topic.
    pub fn new(settings: &Settings) -> Result<Self, BoxError> {
        let ws = websocket(&settings.websocket)?;
        let publisher = ws.publisher::<Bars>()?;
        let broadcaster = &settings.broadcaster;
        let source = TradeSource::new(
            &settings.source,
            broadcaster.bar_broadcaster_symbols.as_ref().map(|list| list.0.as_slice()),
        );
        let resolutions = broadcaster.bar_broadcaster_resolutions.0.clone();
        let interval = broadcaster.bar_broadcaster_interval;
        let bars = BarBroadcaster::new(interval, source.symbols(), resolutions, Box::new(publisher))?;
        let market = Arc::new(Market::new(Candles::new(settings.source.bar_history), bars, source.follows()));
        let enabled = broadcaster.bar_broadcaster_enabled;
        let router = http::router(&ws, Arc::clone(&market), enabled, &settings.listen.cors_origins);
        Ok(Self { ws, market, source, router, enabled })
    }

    /// Returns the market.
    pub fn market(&self) -> &Arc<Market> {
        &self.market
    }

    /// Returns the WebSocket server.
    pub fn ws(&self) -> &Server {
        &self.ws
    }

    /// Serves until the signal resolves, then closes every WebSocket with 1001 and waits for them.
    ///
    /// # Errors
    /// Returns an error if the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        // The tasks stop when this future is dropped.
        let mut tasks = JoinSet::new();
        if self.enabled {
            tasks.spawn(Arc::clone(&self.market).broadcast());
        } else {
            info!("bar broadcaster is disabled");
        }
        let (market, ws, source) = (self.market, self.ws.clone(), self.source);
        tasks.spawn(async move { source.run(&market, ws.first_subscription()).await });
        let ws = self.ws;
        topicast::serve(listener, self.router)
            .with_graceful_shutdown(async move {
                signal.await;
                info!(connections = ws.connections(), "shutting down");
                ws.shutdown().await;
            })
            .await
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("ws", &self.ws).field("source", &self.source).finish_non_exhaustive()
    }
}
