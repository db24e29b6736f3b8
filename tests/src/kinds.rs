//! One channel of each kind, and a server that lists them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use topicast::{Builder, Refusal, Serve, Server};

/// Something that happened.
#[topicast::data]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The number of the update in its topic.
    pub number: u64,
}

/// Events without a history.
#[topicast::ws_router(route = "plain", update = Event)]
#[derive(Debug, Clone)]
pub struct Plain {
    /// Which of several topics.
    pub name: String,
}

/// Events with a history.
#[topicast::ws_router(route = "trades", update = Event, history(count = 20, age = "60s"))]
#[derive(Debug, Clone)]
pub struct Trades {
    /// Which of several topics.
    pub name: String,
}

/// The newest value.
#[topicast::ws_router(route = "quotes", update = Event, latest)]
#[derive(Debug, Clone)]
pub struct Quotes {
    /// Which of several topics.
    pub name: String,
}

/// A row.
#[topicast::data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The side of a book.
    pub side: Side,
    /// The key's second member.
    pub level: u32,
    /// What changes.
    pub size: u64,
}

/// The side of a book.
#[topicast::data]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Offers to sell.
    Ask,
    /// Offers to buy.
    Bid,
}

/// Rows by two members, with a checksum.
#[topicast::ws_router(route = "book", update = Row, table(key = (side, level), checksum))]
#[derive(Debug, Clone)]
pub struct Book {
    /// Which of several topics.
    pub name: String,
}

/// Returns a builder that lists channels of each kind, with and without hooks.
pub fn builder(truth: &Arc<Truth>) -> Builder<Truth> {
    Server::builder("Kinds", "1.0.0")
        .shared_state(Arc::clone(truth))
        .channels(topicast::channels![Truth; Plain, Trades, Quotes, Book, Prices, Positions])
}

/// The state of an application that keeps the truth of its served channels.
#[derive(Debug, Default)]
pub struct Truth {
    /// The newest value of each topic of [`Prices`].
    pub values: Mutex<HashMap<String, Event>>,
    /// The rows of each topic of [`Positions`].
    pub rows: Mutex<HashMap<String, Vec<Row>>>,
    /// How often a snapshot hook ran.
    pub loads: AtomicUsize,
    /// While locked, the snapshot hooks wait.
    pub gate: tokio::sync::Mutex<()>,
    /// While true, the snapshot hooks refuse.
    pub is_down: AtomicBool,
}

/// The newest value, which the application can restore.
#[topicast::ws_router(route = "prices", update = Event, latest, served)]
#[derive(Debug, Clone)]
pub struct Prices {
    /// Which of several topics.
    pub name: String,
}

/// Rows that the application can restore.
#[topicast::ws_router(route = "positions", update = Row, table(key = (side, level)), served)]
#[derive(Debug, Clone)]
pub struct Positions {
    /// Which of several topics.
    pub name: String,
}

impl Truth {
    async fn load(&self) -> Result<(), Refusal> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        drop(self.gate.lock().await);
        if self.is_down.load(Ordering::Relaxed) { Err(Refusal::unavailable("no database")) } else { Ok(()) }
    }
}

impl Serve<Truth> for Prices {
    async fn snapshot(&self, truth: &Truth) -> Result<Option<Event>, Refusal> {
        truth.load().await?;
        Ok(truth.values.lock().unwrap_or_else(PoisonError::into_inner).get(&self.name).copied())
    }
}

impl Serve<Truth> for Positions {
    async fn snapshot(&self, truth: &Truth) -> Result<Vec<Row>, Refusal> {
        truth.load().await?;
        Ok(truth.rows.lock().unwrap_or_else(PoisonError::into_inner).get(&self.name).cloned().unwrap_or_default())
    }
}
