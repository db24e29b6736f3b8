//! The client without its socket: what it knows, and what follows from each thing that happens.
//!
//! A pure function of the messages, ends and times handed in, so that tests can hand in any.

mod demands;
mod ends;
mod kept;
mod requests;
mod settings;
mod topic;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use topicast::Refusal;

use crate::{
    buffer::{Buffer, Lost, Queued},
    delay,
    disconnect::{Cause, Disconnect},
    envelope::{self, Incoming, Payload},
    error::RequestError,
    heartbeat::{Due, Heartbeat},
    item::RawItem,
    random::Random,
    status::{Connection, Event, Status},
};
use kept::Kept;
use requests::Requests;
use topic::{Standing, Topic};

pub(crate) use kept::Loading;
pub(crate) use requests::{Call, Outcome};
pub(crate) use settings::Settings;
pub(crate) use topic::{Ask, Listener};

/// What the driver has to do with its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Have none until then.
    Waiting { until: Instant },
    /// Make a connection.
    Connecting { since: Instant },
    /// Exchange messages.
    Open { since: Instant },
    /// Close it, and give up then.
    Closing { until: Instant },
    /// End.
    Closed,
}

#[derive(Debug)]
pub(crate) struct Core {
    settings: Settings,
    random: Random,
    phase: Phase,
    failures: u32,
    /// How long the server wants this client to stay away once it has gone.
    away: Duration,
    /// The server refused the token of the connection before this one.
    token_refused: bool,
    connection: watch::Sender<Connection>,
    heartbeat: Heartbeat,
    latency: Option<Duration>,
    next_id: u64,
    topics: BTreeMap<u64, Topic>,
    names: HashMap<String, u64>,
    kept: Kept,
    requests: Requests,
    /// What was not sent yet, in order.
    outbox: VecDeque<(u64, String)>,
    /// Whether something was sent since the last ping was due.
    sends: bool,
    /// What was asked on this connection and has no answer, in order.
    unanswered: VecDeque<Unanswered>,
    pushes: HashMap<&'static str, Vec<Listener>>,
    events: Vec<Arc<Buffer<Event>>>,
}

/// A message of this client's that the server has yet to answer.
#[derive(Debug, Clone, Copy)]
struct Unanswered {
    id: u64,
    asked: Asked,
    /// How many times it was sent; the server answers each.
    times: u32,
    /// A later one was answered, so the server has read this one and found no fault in it.
    read: bool,
}

/// What a message of this client's was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Subscribe(u64),
    Unsubscribe,
    Request,
    Ping,
    /// A ping whose answer says that the request before it, which has no reply, was read.
    After(u64),
}

impl Queued for Event {
    fn lost(&self) -> Lost {
        Lost::Values(1)
    }
}

impl Core {
    pub(crate) fn new(settings: Settings, random: Random, now: Instant) -> Self {
        let settings = settings.bounded();
        Self {
            settings,
            random,
            phase: Phase::Connecting { since: now },
            failures: 0,
            away: Duration::ZERO,
            token_refused: false,
            connection: watch::Sender::new(Connection::Connecting),
            heartbeat: Heartbeat::new(settings.heartbeat, settings.silence, now),
            latency: None,
            next_id: 0,
            topics: BTreeMap::new(),
            names: HashMap::new(),
            kept: Kept::default(),
            requests: Requests::default(),
            outbox: VecDeque::new(),
            sends: true,
            unanswered: VecDeque::new(),
            pushes: HashMap::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// When something is due though nothing happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let of_phase = match self.phase {
            Phase::Waiting { until } | Phase::Closing { until } => Some(until),
            Phase::Connecting { since } => Some(since + self.settings.connect_timeout),
            Phase::Open { since } => match self.heartbeat.due(since) {
                Due::Wait(until) => Some(until),
                Due::Ping | Due::Dead => Some(since),
            },
            Phase::Closed => None,
        };
        let later = self.topics.values().filter_map(|topic| match topic.standing {
            Standing::Later(at) | Standing::Asked { until: at, .. } => Some(at),
            Standing::Wanted | Standing::Live => None,
        });
        of_phase.into_iter().chain(self.requests.deadline()).chain(later).min()
    }

    /// Does what is due.
    pub(crate) fn elapsed(&mut self, now: Instant) {
        for id in self.requests.expire(now) {
            self.outbox.retain(|(other, _)| *other != id);
            self.unanswered.retain(|other| other.id != id);
        }
        self.give_up_asking(now);
        self.retry_topics(now);
        match self.phase {
            Phase::Waiting { until } if until <= now => {
                self.phase = Phase::Connecting { since: now };
                self.set(Connection::Connecting);
            }
            Phase::Connecting { since } if since + self.settings.connect_timeout <= now => {
                let after = self.settings.connect_timeout.as_secs_f64();
                self.ended(now, Disconnect::new(Cause::ConnectTimeout, format!("it took more than {after} s")));
            }
            Phase::Open { .. } => match self.heartbeat.due(now) {
                Due::Ping if !self.outbox.is_empty() && !self.sends => {
                    // What the server sends meanwhile is no sign that it reads.
                    let why = "nothing could be written from one ping to the next";
                    self.ended(now, Disconnect::new(Cause::NotReading, why));
                }
                Due::Ping => {
                    self.sends = false;
                    let id = self.ask("ping", None, Asked::Ping);
                    self.heartbeat.asked(id, now);
                }
                Due::Dead => {
                    let after = self.settings.silence.as_secs_f64();
                    self.ended(now, Disconnect::new(Cause::Silent, format!("nothing came for {after} s after a ping")));
                }
                Due::Wait(_) => {}
            },
            Phase::Closing { until } if until <= now => self.phase = Phase::Closed,
            _ => {}
        }
    }

    /// The connection is there: everything that was wanted goes out in one burst.
    pub(crate) fn opened(&mut self, now: Instant) {
        let Phase::Connecting { .. } = self.phase else { return };
        self.phase = Phase::Open { since: now };
        self.heartbeat = Heartbeat::new(self.settings.heartbeat, self.settings.silence, now);
        let wanted = self.topics.iter().filter(|(_, topic)| topic.standing == Standing::Wanted);
        for number in wanted.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.join(now, number);
        }
        for id in self.requests.take_waiting() {
            self.send(id);
        }
        self.tell_pushes(&Status::Live);
        self.set(Connection::Live);
    }

    /// A message came.
    pub(crate) fn text(&mut self, now: Instant, text: &str) {
        self.heartbeat.hear(now);
        let message = match Incoming::parse(text) {
            Ok(message) => message,
            Err(error) => return self.emit(&Event::Unreadable(error.to_string())),
        };
        if message.kind == "going_away" {
            self.away = message.reconnect_after().map_or(Duration::ZERO, delay::of_going_away);
        }
        if let Some(id) = message.id() {
            self.answer(now, id, &message);
        } else if let Some(topic) = &message.topic {
            if let Some(number) = self.names.get(topic) {
                self.about(now, *number, &message);
            }
        } else if let Some(listeners) = self.pushes.get(&*message.kind) {
            let payload = Payload::from(message.payload());
            listeners.iter().for_each(|listener| listener.push(RawItem::Update(Payload::clone(&payload))));
        } else if message.kind == "error"
            && let Some(refusal) = message.refusal()
        {
            self.emit(&Event::Fault(refusal));
        }
    }

    /// Something came that is no message, but a sign of life.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heartbeat.hear(now);
    }

    /// The next message to be sent; it counts as sent.
    pub(crate) fn pop(&mut self) -> Option<String> {
        let Phase::Open { .. } = self.phase else { return None };
        let (id, text) = self.outbox.pop_front()?;
        self.sends = true;
        self.requests.sent(id);
        Some(text)
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn set(&self, connection: Connection) {
        self.emit(&Event::Connection(connection.clone()));
        self.connection.send_replace(connection);
    }

    fn tell_pushes(&self, status: &Status) {
        self.pushes.values().flatten().for_each(|listener| listener.push(RawItem::Status(status.clone())));
    }

    fn emit(&self, event: &Event) {
        self.events.iter().for_each(|listener| listener.push(event.clone()));
    }

    /// Queues a message; without a connection there is nobody to ask.
    fn ask(&mut self, kind: &str, payload: Option<&str>, asked: Asked) -> u64 {
        let id = self.take_id();
        if let Phase::Open { .. } = self.phase {
            self.outbox.push_back((id, envelope::request(kind, id, payload)));
            self.unanswered.push_back(Unanswered { id, asked, times: 1, read: false });
        }
        id
    }

    fn join(&mut self, now: Instant, number: u64) {
        let Some(topic) = self.topics.get(&number) else { return };
        let (kind, payload) = (format!("{}.subscribe", topic.ask.route), Payload::clone(&topic.ask.payload));
        let id = match self.unanswered_join(number) {
            // The same number again: whichever of the two is answered, it is the answer, and
            // asking for ever takes no memory.
            Some(id) => {
                if self.outbox.iter().all(|(other, _)| *other != id) {
                    self.outbox.push_back((id, envelope::request(&kind, id, Some(&payload))));
                    self.unanswered.iter_mut().filter(|other| other.id == id).for_each(|other| other.times += 1);
                }
                id
            }
            None => self.ask(&kind, Some(&payload), Asked::Subscribe(number)),
        };
        let until = now + self.settings.request_timeout;
        if let Some(topic) = self.topics.get_mut(&number) {
            topic.standing = Standing::Asked { id, until };
        }
    }

    /// The request for a topic that the server has not answered on this connection.
    fn unanswered_join(&self, number: u64) -> Option<u64> {
        self.unanswered.iter().find(|other| other.asked == Asked::Subscribe(number)).map(|other| other.id)
    }

    /// Reports subscriptions that were not answered in time, and asks for them later.
    fn give_up_asking(&mut self, now: Instant) {
        let late = |topic: &Topic| matches!(topic.standing, Standing::Asked { until, .. } if until <= now);
        let late = self.topics.iter().filter(|(_, topic)| late(topic)).map(|(number, _)| *number);
        let after = self.settings.request_timeout.as_secs_f64();
        for number in late.collect::<Vec<_>>() {
            let refusal = Refusal::new("timeout", format!("no answer within {after} s")).retryable();
            self.refuse(now, number, RawItem::Refused, refusal);
        }
    }

    fn send(&mut self, id: u64) {
        let Some(call) = self.requests.call(id) else { return };
        let reply = call.reply;
        self.outbox.push_back((id, envelope::request(&call.kind, id, call.payload.as_deref())));
        self.unanswered.push_back(Unanswered { id, asked: Asked::Request, times: 1, read: false });
        if !reply {
            self.ask("ping", None, Asked::After(id));
        }
    }

    fn retry_topics(&mut self, now: Instant) {
        let due = |topic: &Topic| matches!(topic.standing, Standing::Later(at) if at <= now);
        let due = self.topics.iter().filter(|(_, topic)| due(topic)).map(|(number, _)| *number);
        for number in due.collect::<Vec<_>>() {
            if let Some(topic) = self.topics.get_mut(&number) {
                topic.standing = Standing::Wanted;
            }
            if let Phase::Open { .. } = self.phase {
                self.join(now, number);
            }
        }
    }

    /// The answer to a request of this number.
    fn answer(&mut self, now: Instant, id: u64, message: &Incoming<'_>) {
        let Some(at) = self.unanswered.iter().position(|other| other.id == id) else { return };
        let Some(Unanswered { asked, times, .. }) = self.unanswered.get_mut(at) else { return };
        let asked = *asked;
        *times -= 1;
        if *times == 0 {
            self.unanswered.remove(at);
        }
        self.unanswered.iter_mut().take(at).for_each(|earlier| earlier.read = true);
        // Nobody waits any more for the answer of what timed out, and it can be no fault.
        self.unanswered.retain(|other| !(other.read && other.asked == Asked::Request && !self.requests.has(other.id)));
        let fault = if message.kind == "error" { message.refusal() } else { None };
        match asked {
            Asked::Subscribe(number) => {
                let Some(topic) = self.topics.get_mut(&number) else { return };
                // An answer that comes late is one all the same.
                if !matches!(topic.standing, Standing::Asked { .. } | Standing::Later(_)) {
                    return;
                }
                let refusal = fault.or_else(|| message.refused());
                match refusal.map_or_else(|| message.agrees(&topic.ask.name).map_err(Err), |refusal| Err(Ok(refusal))) {
                    Ok(()) => topic.joined(now, message),
                    Err(Ok(refusal)) => self.refuse(now, number, RawItem::Refused, refusal),
                    Err(Err(why)) => {
                        let (route, payload) = (topic.ask.route, Payload::clone(&topic.ask.payload));
                        self.refuse(now, number, RawItem::Refused, Refusal::new("invalid_reply", why));
                        // The server may have subscribed this client to something.
                        self.ask(&format!("{route}.unsubscribe"), Some(&payload), Asked::Unsubscribe);
                    }
                }
            }
            Asked::Request => {
                let outcome = match fault {
                    Some(fault) => Err(RequestError::Fault(fault)),
                    None => match message.refused() {
                        Some(refusal) => Err(RequestError::Refused(refusal)),
                        None => Ok(Payload::from(message.payload())),
                    },
                };
                self.requests.resolve(id, outcome);
            }
            Asked::Ping => self.latency = self.heartbeat.answered(id, now).or(self.latency),
            Asked::After(request) => {
                self.unanswered.retain(|other| other.id != request);
                self.requests.resolve(request, Ok(Payload::from("null")));
            }
            Asked::Unsubscribe => {}
        }
    }

    /// A message about a topic that is not a reply.
    fn about(&mut self, now: Instant, number: u64, message: &Incoming<'_>) {
        let Some(topic) = self.topics.get_mut(&number) else { return };
        // What still comes of an earlier subscription is not this one's.
        if topic.standing != Standing::Live {
            return;
        }
        match message.kind.strip_prefix(topic.ask.route) {
            Some(".update") => topic.update(message),
            Some(".snapshot") => topic.snapshot(message),
            Some(".unsubscribed") => {
                let refusal = message.refusal().unwrap_or_else(|| Refusal::internal("the server does not say why"));
                self.refuse(now, number, RawItem::Ended, refusal);
            }
            _ => {}
        }
    }

    /// The server said no to a topic, or took it back.
    fn refuse(&mut self, now: Instant, number: u64, item: fn(Refusal) -> RawItem, refusal: Refusal) {
        if refusal.is_retryable() {
            let Some(topic) = self.topics.get_mut(&number) else { return };
            let refusals = topic.refused(now, self.settings.backoff.stable);
            // What the server asks for, and a random time that grows beside: clients that were
            // refused together do not come back together, and one that always is does so less often.
            let asked = refusal.retry_after_hint().map_or(Duration::ZERO, delay::of_refusal);
            let after = asked + self.settings.backoff.wait(refusals, &mut self.random);
            topic.retry(item(refusal.clone()), refusal, now + after);
        } else if let Some(topic) = self.forget_topic(number) {
            topic.end(Some(item(refusal.clone())), Status::Refused(refusal));
        }
    }

    fn forget_topic(&mut self, number: u64) -> Option<Topic> {
        let topic = self.topics.remove(&number)?;
        self.names.remove(&topic.ask.name);
        self.wanted_changed();
        Some(topic)
    }
}

#[cfg(test)]
mod tests;
