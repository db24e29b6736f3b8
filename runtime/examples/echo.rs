//! Sends every message back: what conformance suites of the WebSocket layer speak to.
//!
//! `cargo run --example echo -- 127.0.0.1:9001`

use std::io;

use topicast::{Limits, Server};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    // Autobahn's messages are as large as 16 MiB.
    let limits = Limits {
        message_bytes: 32 * 1024 * 1024,
        frame_bytes: 32 * 1024 * 1024,
        unsent_bytes: 64 * 1024 * 1024,
        ..Limits::default()
    };
    let server = Server::builder("Echo", "1.0.0").limits(limits).echo().build().map_err(io::Error::other)?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    topicast::serve(listener, server.router("/")).await
}
