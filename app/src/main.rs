//! Starts the trading API, prints its address, and stops it on a signal.

use std::{
    io::{self, IsTerminal, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
};

use clap::Parser;
use tokio::net::TcpListener;
use tracing::info;
use tracing_subscriber::EnvFilter;
use trading_api::{
    App,
    config::{ListenSettings, Settings},
    http::{HEALTH_PATH, WEBSOCKET_PATH},
    page,
    publish::BoxError,
    report::report,
};

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    log_to_stderr(&settings.listen.log);
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Printed whatever the log filter, since the server does not run.
            eprintln!("error: {}", report(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), BoxError> {
    let listener = listen(&settings.listen).await?;
    let address = listener.local_addr()?;
    let stop = stop_signal()?;
    let app = tokio::task::spawn_blocking(move || App::new(&settings)).await??;
    print_addresses(address);
    app.serve(listener, stop).await?;
    info!("stopped");
    Ok(())
}

async fn listen(settings: &ListenSettings) -> Result<TcpListener, String> {
    let (host, port) = (settings.host.as_str(), settings.port);
    TcpListener::bind((host, port)).await.map_err(|error| {
        let what = if error.kind() == io::ErrorKind::AddrInUse {
            "another program listens there; stop it, or choose another with PORT or --port, where 0 is any free port"
                .to_owned()
        } else {
            format!("{error}; choose an address of this machine with HOST or --host and a port with PORT or --port")
        };
        format!("cannot listen on {host}, port {port}: {what}")
    })
}

/// Resolves on Ctrl-C, and on SIGTERM on systems that have it.
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn log_to_stderr(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

fn print_addresses(listening: SocketAddr) {
    let at = SocketAddr::new(reachable(listening.ip()), listening.port());
    let missing = if page::BUNDLE.is_empty() { " (without charts: it says how to build them)" } else { "" };
    let text = format!(
        "trading-api listens on {listening}\n\
         page:      http://{at}/{missing}\n\
         console:   http://{at}{WEBSOCKET_PATH}/asyncapi\n\
         websocket: ws://{at}{WEBSOCKET_PATH}\n\
         asyncapi:  http://{at}{WEBSOCKET_PATH}/asyncapi.json and http://{at}{WEBSOCKET_PATH}/asyncapi-3.json\n\
         health:    http://{at}{HEALTH_PATH}\n"
    );
    // The parent process may have closed the pipe, which must not stop the server.
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Returns an address that a browser on this machine can open.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}
