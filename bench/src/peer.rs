//! The servers in Rust, one process each, which read from standard input what to publish.

mod broadcast;
mod control;
mod fanout;
mod floor;

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use topicast::SlowConsumer;

/// A server to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Peer {
    /// topicast itself
    Topicast(Options),
    /// A WebSocket of axum and a tokio broadcast channel per topic, written by hand
    Axum,
    /// Only the `send` calls of prepared frames
    Floor,
}

/// The options of the topicast server.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Number of shards, and threads, for connections
    #[arg(long, default_value = "1")]
    shards: NonZeroUsize,
    /// Flush window in milliseconds, in which updates wait to be sent together
    #[arg(long, default_value = "0")]
    window: u64,
    /// Kind of the channel
    #[arg(long, value_enum, default_value_t = Kind::Events)]
    kind: Kind,
    /// Policy of a channel of events for clients that read too slowly
    #[arg(long, value_enum, default_value_t = Slow::Close)]
    slow: Slow,
    /// Limit of unsent bytes for one client; the framework's default if absent
    #[arg(long)]
    unsent_bytes: Option<usize>,
}

/// The kinds of the channel.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Events,
    /// Events with a history of 1,000 updates a topic
    History,
    Latest,
}

/// The policies of a channel of events for slow clients.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Slow {
    Close,
    DropOldest,
}

impl Options {
    fn slow(&self) -> SlowConsumer {
        match self.slow {
            Slow::Close => SlowConsumer::close(),
            Slow::DropOldest => SlowConsumer::drop_oldest(),
        }
    }

    fn window(&self) -> Duration {
        Duration::from_millis(self.window)
    }
}

/// Runs until standard input ends.
pub(crate) fn run(peer: &Peer) -> Result<(), String> {
    match peer {
        Peer::Topicast(options) => fanout::run(options),
        Peer::Axum => broadcast::run(),
        Peer::Floor => floor::run(),
    }
}
