#![doc = include_str!("../README.md")]

mod client;
mod events;
mod pushes;
mod subscription;
mod driver;
mod keeper;
mod shared;
#[cfg(feature = "rustls")]
mod tls;
mod dial;
mod core;
mod error;
mod item;
mod buffer;
mod numbering;
mod heartbeat;
mod backoff;
mod random;
mod envelope;
mod status;
mod storage;
mod disconnect;
mod delay;

pub use backoff::Backoff;
pub use buffer::{Buffering, Overflow};
pub use client::{Builder, Client};
pub use disconnect::{Cause, Disconnect};
pub use error::{Doubt, Error, NotSent, RequestError};
pub use events::Events;
pub use item::{Item, Unreadable};
pub use numbering::{Gap, GapCause};
pub use pushes::Pushes;
pub use status::{Connection, Event, Status};
pub use storage::{FileStorage, Storage};
pub use subscription::Subscription;
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;
pub use topicast::Refusal;

#[cfg(doctest)]
#[doc = include_str!("../../docs/clients.md")]
struct Documentation;
