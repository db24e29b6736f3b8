#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod events;
mod pushes;
mod subscription;
mod options;
mod delivers;
mod rows;
mod driver;
mod persist;
mod shared;
#[cfg(feature = "rustls")]
mod tls;
mod dial;
mod state;
mod request_error;
mod error;
mod item;
mod connection;
mod buffer;
mod table;
mod numbering;
mod gap;
mod heartbeat;
mod backoff;
mod random;
mod envelope;
mod position;
mod status;
mod storage;
mod disconnect;
mod delay;

pub use backoff::Backoff;
pub use buffer::{Buffering, Overflow};
pub use builder::Builder;
pub use client::Client;
pub use connection::{Connection, Event};
pub use delivers::{Delivers, HasRows};
pub use disconnect::{Cause, Disconnect};
pub use error::Error;
pub use events::Events;
pub use gap::{Gap, GapCause};
pub use item::{Item, Unreadable};
pub use options::{Merges, Options, Replays};
pub use position::Position;
pub use pushes::Pushes;
pub use request_error::{Doubt, NotSent, RequestError};
pub use rows::{Change, Rows};
pub use status::Status;
pub use storage::{FileStorage, Storage};
pub use subscription::Subscription;
pub use table::Mismatch;
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;
pub use topicast::Refusal;

#[cfg(doctest)]
#[doc = include_str!("../../docs/clients.md")]
struct Documentation;
