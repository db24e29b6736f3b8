//! The load client: one thread that holds many connections and reads what they are sent.

mod client;
mod connecting;
mod connection;
mod order;
mod record;
mod slow;

pub(crate) use client::run;
pub(crate) use order::{Answer, Connect, Connected, Drained, Measure, Measured, Order};
