//! The servers that are written in Rust, one process each, told by standard input what to publish.

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
    /// A WebSocket of axum and a tokio broadcast channel a topic, written by hand
    Axum,
    /// Nothing but the `send` calls of frames that are built already
    Floor,
}

/// How the topicast server is set up.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Over how many shards, and threads, connections are spread
    #[arg(long, default_value = "1")]
    shards: NonZeroUsize,
    /// For how many milliseconds an update may wait for others, to go out together
    #[arg(long, default_value = "0")]
    window: u64,
    /// What becomes of updates that a client does not keep up with
    #[arg(long, value_enum, default_value_t = Slow::Close)]
    slow: Slow,
    /// How many bytes may wait for one client; the framework's default if absent
    #[arg(long)]
    unsent_bytes: Option<usize>,
}

/// The policies of a channel for clients that do not keep up.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Slow {
    Close,
    DropOldest,
    Latest,
}

impl Options {
    fn slow(&self) -> SlowConsumer {
        match self.slow {
            Slow::Close => SlowConsumer::close(),
            Slow::DropOldest => SlowConsumer::drop_oldest(),
            Slow::Latest => SlowConsumer::latest(),
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
