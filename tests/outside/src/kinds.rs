//! One channel of each kind, and what a client of it receives that lost its connection.

pub mod events;
pub mod latest;
pub mod table;
