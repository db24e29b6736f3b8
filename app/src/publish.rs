//! The topics that bars are published to.

use std::error::Error;

use topicast::{Position, Publisher, Topic};

use crate::{
    bar::{Bar, Bars},
    resolution::Resolution,
};

/// An error of a topic.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Opens the topics of bars: a [`Publisher`], or a test's own.
pub trait BarPublisher: Send + Sync {
    /// Returns the topic of a symbol and resolution.
    ///
    /// # Errors
    /// Returns an error if there can be no such topic.
    fn open(&self, symbol: &str, resolution: Resolution) -> Result<Box<dyn BarTopic>, BoxError>;
}

/// One topic that bars are published to.
pub trait BarTopic: Send + Sync {
    /// Returns the number of subscribers.
    fn subscribers(&self) -> usize;

    /// Publishes a bar to all subscribers, without waiting.
    ///
    /// # Errors
    /// Returns an error if the bar was not published.
    fn publish(&self, bar: &Bar) -> Result<(), BoxError>;

    /// Returns the position after the last bar that was published.
    fn position(&self) -> Position;
}

impl BarPublisher for Publisher<Bars> {
    fn open(&self, symbol: &str, resolution: Resolution) -> Result<Box<dyn BarTopic>, BoxError> {
        Ok(Box::new(self.topic(&Bars { symbol: symbol.to_owned(), resolution })?))
    }
}

impl BarTopic for Topic<Bars> {
    fn subscribers(&self) -> usize {
        Self::subscribers(self)
    }

    fn publish(&self, bar: &Bar) -> Result<(), BoxError> {
        Ok(Self::publish(self, bar)?)
    }

    fn position(&self) -> Position {
        Self::position(self)
    }
}
