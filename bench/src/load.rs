//! The load client: one thread that holds many connections and reads what they are sent.

mod client;
mod connecting;
mod connection;
mod ending;
mod order;
mod paced;
mod record;
mod returning;
mod slow;

pub(crate) use client::run;
pub(crate) use order::{
    Answer, Connect, Connected, Drained, Ended, Measure, Measured, Order, Reading, Return, Returned,
};
