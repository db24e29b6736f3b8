//! The commands of handles: subscribe, request, listen, close.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use super::{
    Call, ClientState, Outcome, Phase, Purpose, SubscribeRequest,
    topic::{Join, Topic},
};
use crate::{
    buffer::{Buffer, Loss},
    connection::{Connection, Event},
    envelope::Payload,
    error::Error,
    item::{Listener, RawItem},
    request_error::{NotSent, RequestError},
    status::Status,
    table::RawRows,
};

impl ClientState {
    /// Adds a listener to a topic, and returns the topic's number and status.
    ///
    /// # Errors
    /// Returns an error if the client is closed, if the request exceeds the size limit, or if the
    /// topic is subscribed to with other options.
    pub(crate) fn subscribe(
        &mut self,
        now: Instant,
        request: SubscribeRequest,
        listener: &Listener,
    ) -> Result<(u64, watch::Receiver<Status>), Error> {
        if self.is_closed() {
            return Err(Error::closed());
        }
        let limit = self.settings.send_bytes;
        if request.payload.len() > limit {
            return Err(Error::too_big(request.payload.len(), limit));
        }
        let existing = self.numbers.get(&request.topic).and_then(|number| Some((*number, self.topics.get(number)?)));
        let number = match existing {
            Some((number, topic)) => {
                let error = |what| Error::options(format!("{}: {what}", request.topic));
                topic.request.options.admit(&request.options).map_err(error)?;
                number
            }
            None => {
                let number = self.take_id();
                self.numbers.insert(request.topic.clone(), number);
                self.topics.insert(number, Topic::new(request));
                self.persistence.changed();
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

    /// Removes a listener; the last one unsubscribes from the topic.
    pub(crate) fn unsubscribe(&mut self, number: u64, listener: &Listener) {
        if self.topics.get_mut(&number).is_some_and(|topic| topic.remove(listener))
            && let Some(topic) = self.remove_topic(number)
            && (topic.join == Join::Joined || self.pipeline.subscribe_id(number).is_some())
        {
            let kind = format!("{}.unsubscribe", topic.request.route);
            self.queue(&kind, Some(&topic.request.payload), Purpose::Unsubscribe);
        }
    }

    pub(crate) fn latest(&self, number: u64) -> Option<Payload> {
        self.topics.get(&number)?.latest()
    }

    pub(crate) fn rows(&self, number: u64) -> RawRows {
        self.topics.get(&number).map(Topic::rows).unwrap_or_default()
    }

    /// Replaces the values that wait for a listener which lost some by the current state, and
    /// returns what was replaced.
    pub(crate) fn refresh(&self, number: u64, listener: &Listener) -> Loss {
        self.topics.get(&number).map_or(Loss::Nothing, |topic| topic.refresh(listener))
    }

    /// Queues a request, and returns its id for [`forget`](Self::forget).
    pub(crate) fn request(&mut self, now: Instant, call: Call, outcome: oneshot::Sender<Outcome>) -> u64 {
        let id = self.take_id();
        let (limit, bytes) = (self.settings.queue, call.payload.as_ref().map_or(0, String::len));
        let refuse = if self.is_closed() {
            Some(NotSent::Closed)
        } else if bytes > self.settings.send_bytes {
            Some(NotSent::TooBig { bytes, limit: self.settings.send_bytes })
        } else if self.requests.waiting() + self.pipeline.requests() >= limit {
            Some(NotSent::QueueFull { limit })
        } else {
            None
        };
        if let Some(why) = refuse {
            // The caller may have dropped its future.
            let _ = outcome.send(Err(RequestError::NotSent(why)));
            return id;
        }
        self.requests.add(id, call, now + self.settings.request_timeout, outcome);
        match self.phase {
            Phase::Open { .. } => self.queue_request(id),
            _ => self.requests.wait(id, false),
        }
        id
    }

    /// Drops a request whose caller no longer waits; it is not sent if it was not sent yet.
    pub(crate) fn forget(&mut self, id: u64) {
        if self.requests.forget(id) {
            self.pipeline.withdraw(id);
        }
    }

    pub(crate) fn listen_pushes(&mut self, name: &'static str, listener: &Listener) {
        if self.is_closed() {
            listener.end();
        } else {
            if let Phase::Open { .. } = self.phase {
                listener.push(RawItem::Status(Status::Live).into());
            }
            self.listeners.add_push(name, listener);
        }
    }

    pub(crate) fn leave_pushes(&mut self, name: &'static str, listener: &Listener) {
        self.listeners.remove_push(name, listener);
    }

    pub(crate) fn listen_events(&mut self, listener: &Arc<Buffer<Event>>) {
        if self.is_closed() {
            listener.end();
        } else {
            self.listeners.add_events(listener);
        }
    }

    pub(crate) fn leave_events(&mut self, listener: &Arc<Buffer<Event>>) {
        self.listeners.remove_events(listener);
    }

    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.subscribe()
    }

    pub(crate) fn latency(&self) -> Option<Duration> {
        self.latency
    }

    /// Closes the client: ends every stream and every request.
    pub(crate) fn close(&mut self, now: Instant) {
        match self.phase {
            Phase::Closing { .. } | Phase::Closed => return,
            Phase::Open { .. } => self.phase = Phase::Closing { until: now + self.settings.close_timeout },
            Phase::Waiting { .. } | Phase::Connecting { .. } => self.phase = Phase::Closed,
        }
        self.freeze_storage();
        self.requests.close();
        self.pipeline.clear();
        self.numbers.clear();
        for topic in std::mem::take(&mut self.topics).into_values() {
            topic.end(None, Status::Closed);
        }
        self.listeners.end_pushes();
        self.set_connection(Connection::Closed);
        self.listeners.end_events();
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. } | Phase::Closed)
    }
}
