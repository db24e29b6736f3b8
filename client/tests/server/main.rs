//! The client against the real server, over real sockets, and over streams in memory.

mod harness;
mod closes;
mod cuts;
mod kinds;
mod operations;
#[cfg(unix)]
mod process;
mod proxy;
mod storage;
mod subscriptions;
#[cfg(feature = "rustls")]
mod tls;
mod virtual_time;
