//! A load client in its own process.

use std::path::Path;
use std::time::Duration;

use crate::child::{Process, Program};
use crate::clock;
use crate::load::{Answer, Connect, Connected, Drained, Ended, Measure, Measured, Order, Returned};

/// The timeout of an answer beyond the time limit of its order.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Load(Process);

impl Load {
    /// Starts a load client for the server on this port.
    pub(crate) fn start(port: u16, core: usize, nice: i32, folder: &Path) -> Result<Self, String> {
        let program = Program::own("the load client", &["load", &port.to_string()], &[core])?;
        Program { nice, ..program }.start(folder).map(Self)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn send(&mut self, order: &Order) -> Result<(), String> {
        self.0.send(&serde_json::to_string(order).map_err(|error| error.to_string())?)
    }

    /// Connects and waits until all are subscribed.
    pub(crate) fn connect(&mut self, order: Connect) -> Result<Connected, String> {
        let until = order.give_up_us;
        self.send(&Order::Connect(order))?;
        match self.answer(until)? {
            Answer::Connected(connected) => Ok(connected),
            other => Err(unexpected(&other)),
        }
    }

    /// Connects, and fails unless all connections succeed.
    pub(crate) fn connect_all(&mut self, order: Connect) -> Result<Connected, String> {
        let connected = self.connect(order)?;
        match &connected.failure {
            None => Ok(connected),
            Some(failure) => Err(format!("{} connections failed, the first: {failure}", connected.failed)),
        }
    }

    pub(crate) fn begin(&mut self, order: Measure) -> Result<(), String> {
        self.send(&Order::Measure(order))
    }

    /// Waits for the result of a measurement with this time limit.
    pub(crate) fn measured(&mut self, give_up_us: u64) -> Result<Measured, String> {
        match self.answer(give_up_us)? {
            Answer::Measured(measured) => Ok(measured),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits for the result of draining the slow connections.
    pub(crate) fn drained(&mut self, give_up_us: u64) -> Result<Drained, String> {
        match self.answer(give_up_us)? {
            Answer::Drained(drained) => Ok(drained),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits for the result of a return with this time limit.
    pub(crate) fn returned(&mut self, give_up_us: u64) -> Result<Returned, String> {
        match self.answer(give_up_us)? {
            Answer::Returned(returned) => Ok(returned),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until every subscription has an update, for at most so many microseconds.
    pub(crate) fn ended(&mut self, newest: u64, at_most_us: u64) -> Result<Ended, String> {
        let give_up_us = clock::now_us() + at_most_us;
        self.send(&Order::Await { newest, give_up_us })?;
        match self.answer(give_up_us)? {
            Answer::Ended(ended) => Ok(ended),
            other => Err(unexpected(&other)),
        }
    }

    fn answer(&mut self, until_us: u64) -> Result<Answer, String> {
        let left = Duration::from_micros(until_us.saturating_sub(clock::now_us()));
        let line = self.0.line(left + PATIENCE)?;
        serde_json::from_str(&line).map_err(|error| format!("the load client answered `{line}`: {error}"))
    }
}

fn unexpected(answer: &Answer) -> String {
    format!("the load client answered out of turn: {answer:?}")
}
