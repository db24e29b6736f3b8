//! What users ask of the core: subscriptions, requests, listening, the end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use super::{
    Ask, Asked, Call, Core, Listener, Outcome, Phase,
    topic::{Standing, Topic},
};
use crate::{
    buffer::Buffer,
    envelope::Payload,
    error::{Error, NotSent, RequestError},
    item::RawItem,
    status::{Connection, Event, Status},
};

impl Core {
    /// A listener's way into a topic: its number, and how it stands.
    ///
    /// # Errors
    /// When the client was closed, or the request is larger than what is sent.
    pub(crate) fn subscribe(
        &mut self,
        now: Instant,
        ask: Ask,
        listener: &Listener,
    ) -> Result<(u64, watch::Receiver<Status>), Error> {
        if self.is_closed() {
            return Err(Error::closed());
        }
        let limit = self.settings.send_bytes;
        if ask.payload.len() > limit {
            return Err(Error::too_big(ask.payload.len(), limit));
        }
        let number = match self.names.get(&ask.name) {
            Some(number) => *number,
            None => {
                let number = self.take_id();
                self.names.insert(ask.name.clone(), number);
                self.topics.insert(number, Topic::new(ask));
                self.wanted_changed();
                if let Phase::Open { .. } = self.phase {
                    self.join(now, number);
                }
                number
            }
        };
        let topic = self.topics.get_mut(&number).ok_or_else(Error::closed)?;
        topic.add(listener);
        Ok((number, topic.status()))
    }

    /// The last one out leaves the topic.
    pub(crate) fn unsubscribe(&mut self, number: u64, listener: &Listener) {
        if self.topics.get_mut(&number).is_some_and(|topic| topic.remove(listener))
            && let Some(topic) = self.forget_topic(number)
            && (topic.standing == Standing::Live || self.unanswered_join(number).is_some())
        {
            let kind = format!("{}.unsubscribe", topic.ask.route);
            self.ask(&kind, Some(&topic.ask.payload), Asked::Unsubscribe);
        }
    }

    pub(crate) fn latest(&self, number: u64) -> Option<Payload> {
        self.topics.get(&number)?.latest()
    }

    /// Takes a request; its number is for [`forget`](Self::forget).
    pub(crate) fn request(&mut self, now: Instant, call: Call, outcome: oneshot::Sender<Outcome>) -> u64 {
        let id = self.take_id();
        let (limit, bytes) = (self.settings.queue, call.payload.as_ref().map_or(0, String::len));
        let refuse = if self.is_closed() {
            Some(NotSent::Closed)
        } else if bytes > self.settings.send_bytes {
            Some(NotSent::TooBig { bytes, limit: self.settings.send_bytes })
        } else if self.requests.unsent() >= limit {
            Some(NotSent::QueueFull { limit })
        } else {
            None
        };
        if let Some(why) = refuse {
            // Whoever asked may have gone.
            let _ = outcome.send(Err(RequestError::NotSent(why)));
            return id;
        }
        self.requests.add(id, call, now + self.settings.request_timeout, outcome);
        match self.phase {
            Phase::Open { .. } => self.send(id),
            _ => self.requests.wait(id, false),
        }
        id
    }

    /// Whoever asked has gone: what was not sent yet is not sent any more.
    pub(crate) fn forget(&mut self, id: u64) {
        if self.requests.forget(id) {
            self.outbox.retain(|(other, _)| *other != id);
            self.unanswered.retain(|other| other.id != id);
        }
    }

    pub(crate) fn listen_pushes(&mut self, name: &'static str, listener: &Listener) {
        if self.is_closed() {
            listener.end();
        } else {
            if let Phase::Open { .. } = self.phase {
                listener.push(RawItem::Status(Status::Live));
            }
            self.pushes.entry(name).or_default().push(Arc::clone(listener));
        }
    }

    pub(crate) fn leave_pushes(&mut self, name: &'static str, listener: &Listener) {
        if let Some(listeners) = self.pushes.get_mut(name) {
            listeners.retain(|other| !Arc::ptr_eq(other, listener));
            if listeners.is_empty() {
                self.pushes.remove(name);
            }
        }
    }

    pub(crate) fn listen_events(&mut self, listener: &Arc<Buffer<Event>>) {
        if self.is_closed() {
            listener.end();
        } else {
            self.events.push(Arc::clone(listener));
        }
    }

    pub(crate) fn leave_events(&mut self, listener: &Arc<Buffer<Event>>) {
        self.events.retain(|other| !Arc::ptr_eq(other, listener));
    }

    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.subscribe()
    }

    pub(crate) fn latency(&self) -> Option<Duration> {
        self.latency
    }

    /// Ends everything for good.
    pub(crate) fn close(&mut self, now: Instant) {
        match self.phase {
            Phase::Closing { .. } | Phase::Closed => return,
            Phase::Open { .. } => self.phase = Phase::Closing { until: now + self.settings.close_timeout },
            Phase::Waiting { .. } | Phase::Connecting { .. } => self.phase = Phase::Closed,
        }
        self.keep_as_it_is();
        self.requests.close();
        self.outbox.clear();
        self.unanswered.clear();
        self.names.clear();
        for topic in std::mem::take(&mut self.topics).into_values() {
            topic.end(None, Status::Closed);
        }
        self.pushes.drain().flat_map(|(_, listeners)| listeners).for_each(|listener| listener.end());
        self.set(Connection::Closed);
        self.events.drain(..).for_each(|listener| listener.end());
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. } | Phase::Closed)
    }
}
