//! A trading API on topicast: bars of a mock market or of a recorded tape, live over WebSockets.
//!
//! `trading-api` is the server; this library has its parts, for tests and tools. The path of a
//! trade: a [`source`] plays [`mock`] or [`tape`]
//! through [`replay`] into the [`market`], whose [`candles`] become bars, which the
//! [`broadcaster`] publishes to the topics of the [`bar`] channel and [`history`] answers with.
//! The [`page`] draws both.

pub mod server;
pub mod http;
pub mod page;
pub mod source;
pub mod config;
mod value;
pub mod replay;
pub mod market;
pub mod history;
pub mod broadcaster;
pub mod publish;
pub mod candles;
mod ids;
pub mod mock;
pub mod tape;
pub mod trade;
pub mod bucket;
pub mod bar;
pub mod number;
pub mod resolution;
pub mod report;

pub use server::{App, websocket};
