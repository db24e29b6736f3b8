//! The client as a state machine without I/O: its subscriptions, its requests, its connection.
//!
//! Messages, disconnects and the time are passed in, so that tests can pass in any sequence.

mod commands;
mod disconnects;
mod storing;
mod topic;
mod content;
mod pipeline;
mod requests;
mod listeners;
mod persistence;
mod settings;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use tokio::sync::watch;
use topicast::Refusal;

use crate::{
    connection::{Connection, Event},
    disconnect::{Cause, Disconnect},
    envelope::{self, Incoming, Payload},
    heartbeat::{Due, Heartbeat},
    item::RawItem,
    random::Random,
    request_error::RequestError,
    status::Status,
};
use listeners::Listeners;
use persistence::Persistence;
use pipeline::{Pipeline, Purpose};
use requests::Requests;
use topic::{Broken, Effect, Join, Topic};

pub(crate) use content::Shape;
pub(crate) use persistence::Loading;
pub(crate) use requests::{Call, Outcome};
pub(crate) use settings::Settings;
pub(crate) use topic::{SubscribeOptions, SubscribeRequest};

/// What the driver has to do with the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Wait until this time before the next attempt.
    Waiting { until: Instant },
    /// Make a connection.
    Connecting { since: Instant },
    /// Exchange messages.
    Open { since: Instant },
    /// Close the connection, and drop it at this time.
    Closing { until: Instant },
    /// Stop.
    Closed,
}

/// The state of one client.
#[derive(Debug)]
pub(crate) struct ClientState {
    settings: Settings,
    random: Random,
    phase: Phase,
    /// Attempts that failed, and connections that were short-lived, in a row.
    failures: u32,
    /// The reconnect delay that the server announced before it closes the connection.
    announced_delay: Duration,
    /// Whether the server refused the token of the previous connection.
    token_refused: bool,
    connection: watch::Sender<Connection>,
    heartbeat: Heartbeat,
    latency: Option<Duration>,
    next_id: u64,
    topics: BTreeMap<u64, Topic>,
    /// The number of each topic by its canonical name.
    numbers: HashMap<String, u64>,
    persistence: Persistence,
    requests: Requests,
    pipeline: Pipeline,
    listeners: Listeners,
}

impl ClientState {
    pub(crate) fn new(settings: Settings, random: Random, now: Instant) -> Self {
        let settings = settings.bounded();
        Self {
            settings,
            random,
            phase: Phase::Connecting { since: now },
            failures: 0,
            announced_delay: Duration::ZERO,
            token_refused: false,
            connection: watch::Sender::new(Connection::Connecting),
            heartbeat: Heartbeat::new(settings.heartbeat, settings.silence, now),
            latency: None,
            next_id: 0,
            topics: BTreeMap::new(),
            numbers: HashMap::new(),
            persistence: Persistence::default(),
            requests: Requests::default(),
            pipeline: Pipeline::default(),
            listeners: Listeners::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns the time at which [`handle_timeout`](Self::handle_timeout) must be called at the latest.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let of_phase = match self.phase {
            Phase::Waiting { until } | Phase::Closing { until } => Some(until),
            Phase::Connecting { since } => Some(since + self.settings.connect_timeout),
            Phase::Open { since } => match self.heartbeat.due(since) {
                Due::Wait(until) => Some(until),
                Due::Ping | Due::Dead => Some(since),
            },
            Phase::Closed => None,
        };
        let of_topics = self.topics.values().filter_map(|topic| match topic.join {
            Join::RetryAt(at) | Join::Requested { until: at, .. } => Some(at),
            Join::Pending | Join::Joined => None,
        });
        of_phase.into_iter().chain(self.requests.deadline()).chain(of_topics).min()
    }

    /// Does everything that is due at this time.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for id in self.requests.expire(now) {
            self.pipeline.withdraw(id);
        }
        self.expire_joins(now);
        self.retry_joins(now);
        match self.phase {
            Phase::Waiting { until } if until <= now => {
                self.phase = Phase::Connecting { since: now };
                self.set_connection(Connection::Connecting);
            }
            Phase::Connecting { since } if since + self.settings.connect_timeout <= now => {
                let after = self.settings.connect_timeout.as_secs_f64();
                let why = format!("it took more than {after} s");
                self.handle_disconnect(now, Disconnect::new(Cause::ConnectTimeout, why));
            }
            Phase::Open { .. } => match self.heartbeat.due(now) {
                Due::Ping if self.pipeline.is_stalled() => {
                    // Messages that arrive meanwhile do not show that the server reads.
                    let why = "nothing could be written from one ping to the next";
                    self.handle_disconnect(now, Disconnect::new(Cause::NotReading, why));
                }
                Due::Ping => {
                    self.pipeline.watch_progress();
                    let id = self.queue("ping", None, Purpose::Ping);
                    self.heartbeat.ping_queued(id, now);
                }
                Due::Dead => {
                    let after = self.settings.silence.as_secs_f64();
                    let why = format!("nothing came for {after} s after a ping");
                    self.handle_disconnect(now, Disconnect::new(Cause::Silent, why));
                }
                Due::Wait(_) => {}
            },
            Phase::Closing { until } if until <= now => self.phase = Phase::Closed,
            _ => {}
        }
    }

    /// Records that the connection is open, and queues all subscriptions and waiting requests.
    pub(crate) fn handle_open(&mut self, now: Instant) {
        let Phase::Connecting { .. } = self.phase else { return };
        self.phase = Phase::Open { since: now };
        self.heartbeat = Heartbeat::new(self.settings.heartbeat, self.settings.silence, now);
        let pending = self.topics.iter().filter(|(_, topic)| topic.join == Join::Pending);
        for number in pending.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.join(now, number);
        }
        for id in self.requests.take_waiting() {
            self.queue_request(id);
        }
        self.listeners.push_status(&Status::Live);
        self.set_connection(Connection::Live);
    }

    /// Handles a text message from the server.
    pub(crate) fn handle_text(&mut self, now: Instant, text: &str) {
        self.heartbeat.received(now);
        let message = match Incoming::parse(text) {
            Ok(message) => message,
            Err(error) => return self.listeners.emit(&Event::Unreadable(error.to_string())),
        };
        if message.kind == "going_away" {
            self.announced_delay = message.reconnect_after().unwrap_or_default();
        }
        if let Some(id) = message.id() {
            self.handle_reply(now, id, &message);
        } else if let Some(topic) = &message.topic {
            if let Some(number) = self.numbers.get(topic) {
                self.handle_topic_message(now, *number, &message);
            }
        } else if !self.listeners.push(&message.kind, message.payload())
            && message.kind == "error"
            && let Some(refusal) = message.refusal()
        {
            self.listeners.emit(&Event::Fault(refusal));
        }
    }

    /// Records that a frame without a message arrived, which shows that the server is alive.
    pub(crate) fn handle_activity(&mut self, now: Instant) {
        self.heartbeat.received(now);
    }

    /// Takes the next message to write to the socket, and marks it as sent.
    pub(crate) fn next_message(&mut self) -> Option<String> {
        let Phase::Open { .. } = self.phase else { return None };
        let (id, text) = self.pipeline.pop()?;
        self.requests.sent(id);
        Some(text)
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn set_connection(&self, connection: Connection) {
        self.listeners.emit(&Event::Connection(connection.clone()));
        self.connection.send_replace(connection);
    }

    /// Queues a message if the connection is open, and returns its id.
    fn queue(&mut self, kind: &str, payload: Option<&str>, purpose: Purpose) -> u64 {
        let id = self.take_id();
        if let Phase::Open { .. } = self.phase {
            self.pipeline.push(id, envelope::request(kind, id, payload), purpose);
        }
        id
    }

    /// Queues a request, and a ping after it if it has no reply.
    fn queue_request(&mut self, id: u64) {
        let Some(call) = self.requests.call(id) else { return };
        let has_reply = call.has_reply;
        let text = envelope::request(&call.operation, id, call.payload.as_deref());
        self.pipeline.push(id, text, Purpose::Request);
        if !has_reply {
            self.queue("ping", None, Purpose::Confirm(id));
        }
    }

    /// Queues the subscribe request of a topic.
    fn join(&mut self, now: Instant, number: u64) {
        let Phase::Open { .. } = self.phase else { return };
        let repeated = self.pipeline.subscribe_id(number);
        let id = repeated.unwrap_or_else(|| self.take_id());
        let Some(topic) = self.topics.get_mut(&number) else { return };
        topic.join = Join::Requested { id, until: now + self.settings.request_timeout };
        let text = topic.subscribe_request(id);
        match repeated {
            // The same id again: a reply to either copy settles the topic, and repeating the
            // request forever does not grow the pipeline.
            Some(id) => self.pipeline.repeat(id, text),
            None => self.pipeline.push(id, text, Purpose::Subscribe(number)),
        }
    }

    /// Reports the subscribe requests that timed out, and schedules their next attempt.
    fn expire_joins(&mut self, now: Instant) {
        let late = |topic: &Topic| matches!(topic.join, Join::Requested { until, .. } if until <= now);
        let late = self.topics.iter().filter(|(_, topic)| late(topic)).map(|(number, _)| *number);
        let after = self.settings.request_timeout.as_secs_f64();
        for number in late.collect::<Vec<_>>() {
            let refusal = Refusal::new("timeout", format!("no answer within {after} s")).retryable();
            self.refuse(now, number, RawItem::Refused, refusal);
        }
    }

    /// Repeats the subscribe requests whose wait is over.
    fn retry_joins(&mut self, now: Instant) {
        let due = |topic: &Topic| matches!(topic.join, Join::RetryAt(at) if at <= now);
        let due = self.topics.iter().filter(|(_, topic)| due(topic)).map(|(number, _)| *number);
        for number in due.collect::<Vec<_>>() {
            if let Some(topic) = self.topics.get_mut(&number) {
                topic.join = Join::Pending;
            }
            if let Phase::Open { .. } = self.phase {
                self.join(now, number);
            }
        }
    }

    /// Handles a message that carries the id of a request.
    fn handle_reply(&mut self, now: Instant, id: u64, message: &Incoming<'_>) {
        let Some(purpose) = self.pipeline.answered(id) else { return };
        // A request that timed out and was read cannot be the fault that ends the connection.
        self.pipeline.forget_read_requests(|id| !self.requests.has(id));
        let fault = if message.kind == "error" { message.refusal() } else { None };
        match purpose {
            Purpose::Subscribe(number) => self.handle_subscribe_reply(now, id, number, fault, message),
            Purpose::Request => {
                let outcome = match fault {
                    Some(fault) => Err(RequestError::Fault(fault)),
                    None => match message.refused() {
                        Some(refusal) => Err(RequestError::Refused(refusal)),
                        None => Ok(Payload::from(message.payload())),
                    },
                };
                self.requests.resolve(id, outcome);
            }
            Purpose::Ping => self.latency = self.heartbeat.pong_received(id, now).or(self.latency),
            Purpose::Confirm(request) => {
                self.pipeline.forget(request);
                self.requests.resolve(request, Ok(Payload::from("null")));
            }
            Purpose::Unsubscribe => {}
        }
    }

    fn handle_subscribe_reply(
        &mut self,
        now: Instant,
        id: u64,
        number: u64,
        fault: Option<Refusal>,
        message: &Incoming<'_>,
    ) {
        let Some(topic) = self.topics.get_mut(&number) else { return };
        // A reply that arrives after the timeout still counts.
        if !matches!(topic.join, Join::Requested { .. } | Join::RetryAt(_)) {
            return;
        }
        if let Some(refusal) = fault.or_else(|| message.refused()) {
            return self.refuse(now, number, RawItem::Refused, refusal);
        }
        match message.agrees(&topic.request.topic) {
            Ok(()) => {
                let effect = topic.joined(now, message);
                // It states a position that will be obsolete.
                self.pipeline.withdraw_copy(id);
                self.settle(now, number, effect);
            }
            Err(why) => {
                let (route, payload) = (topic.request.route, Payload::clone(&topic.request.payload));
                self.refuse(now, number, RawItem::Refused, Refusal::new("invalid_reply", why));
                // The server may have subscribed this client to some topic.
                self.queue(&format!("{route}.unsubscribe"), Some(&payload), Purpose::Unsubscribe);
            }
        }
    }

    /// Handles a message about a topic that is not a reply.
    fn handle_topic_message(&mut self, now: Instant, number: u64, message: &Incoming<'_>) {
        let Some(topic) = self.topics.get_mut(&number) else { return };
        // The message belongs to an earlier subscription to this topic.
        if topic.join != Join::Joined {
            return;
        }
        let effect = match message.kind.strip_prefix(topic.request.route) {
            Some(".update") => topic.update(message),
            Some(".snapshot") => topic.snapshot(message),
            Some(".unsubscribed") => {
                let refusal = message.refusal().unwrap_or_else(|| Refusal::internal("the server does not say why"));
                if refusal.code() == "reset" {
                    topic.reset();
                }
                return self.refuse(now, number, RawItem::Ended, refusal);
            }
            _ => return,
        };
        self.settle(now, number, effect);
    }

    /// Reports what was wrong with a message, and subscribes again from scratch if it left the rows
    /// of a table wrong.
    fn settle(&mut self, now: Instant, number: u64, effect: Effect) {
        let (broken, fault) = match effect {
            Effect::Applied => return,
            Effect::Fault(fault) => (None, fault),
            Effect::Wrong { item, fault } => (Some(item), fault),
        };
        let Some(topic) = self.topics.get_mut(&number) else { return };
        tracing::warn!(topic = topic.request.topic, fault, "the server is at fault");
        self.listeners.emit(&Event::ServerFault(format!("{}: {fault}", topic.request.topic)));
        let Some(broken) = broken else { return };
        let item = match broken {
            Broken::Mismatch(mismatch) => RawItem::Mismatch(mismatch),
            Broken::Unreadable(unreadable) => RawItem::Unreadable(unreadable),
        };
        let refusals = topic.count_refusal(now, self.settings.backoff.stable);
        let at = now + self.settings.backoff.wait(refusals, &mut self.random);
        topic.retry(item, Refusal::new("mismatch", fault).retryable(), at);
        let (route, payload) = (topic.request.route, Payload::clone(&topic.request.payload));
        // A reply to an earlier subscribe would count as one to the next.
        self.pipeline.forget_subscribe(number);
        self.queue(&format!("{route}.unsubscribe"), Some(&payload), Purpose::Unsubscribe);
    }

    /// Handles a refused subscribe request, or a subscription that the server ended.
    fn refuse(&mut self, now: Instant, number: u64, item: fn(Refusal) -> RawItem, refusal: Refusal) {
        if refusal.is_retryable() {
            let Some(topic) = self.topics.get_mut(&number) else { return };
            let refusals = topic.count_refusal(now, self.settings.backoff.stable);
            // The server's delay plus a random backoff: clients that were refused together spread
            // out, and a client that is always refused asks less and less often.
            let asked = refusal.retry_after_hint().unwrap_or_default();
            let after = asked + self.settings.backoff.wait(refusals, &mut self.random);
            topic.retry(item(refusal.clone()), refusal, now + after);
        } else if let Some(topic) = self.remove_topic(number) {
            topic.end(Some(item(refusal.clone())), Status::Refused(refusal));
        }
    }

    fn remove_topic(&mut self, number: u64) -> Option<Topic> {
        let topic = self.topics.remove(&number)?;
        self.numbers.remove(&topic.request.topic);
        self.persistence.changed();
        Some(topic)
    }
}

#[cfg(test)]
mod tests;
