//! Dispatches one message of a client to the operation that its `type` names.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;

use crate::{
    Refusal,
    call::{
        Answers, ChannelRow, Decoded, Hooks, Loaded, PING, Pending, RawCx, RawTopic, RequestRow, Session, SnapshotHook,
        Target, Text, router,
    },
    connection::shared::Shared,
    declare::{Fragment, SubjectText},
    topics::{LiveTopic, StreamPosition},
    wire::{Envelope, Form, Frame, Id, Message, ok_payload, refusal_payload},
};

/// A fault of form: a message that cannot be dispatched.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) id: Option<Id>,
    pub(crate) kind: FaultKind,
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The message is not an envelope, or its payload does not match its type.
    Invalid,
    /// Clients cannot send an operation of that type.
    UnknownType,
}

/// Answers one message. The reply is queued when the future is ready.
///
/// # Errors
/// Returns a fault of form. The profile determines its consequence.
pub(crate) async fn dispatch(shared: Arc<Shared>, session: Session, text: &str) -> Result<(), Fault> {
    let envelope = Envelope::parse(text).map_err(|malformed| Fault {
        id: malformed.id,
        kind: FaultKind::Invalid,
        message: malformed.message,
    })?;
    let Some(target) = shared.catalog.target(&envelope.kind) else {
        return Err(Fault {
            message: format!("no operation `{}` that a client may send", envelope.kind.escape_debug()),
            id: envelope.id,
            kind: FaultKind::UnknownType,
        });
    };
    let call = Call { shared: &shared, session: &session, id: envelope.id.as_ref() };
    let text = Text { payload: envelope.payload, form: call.form() };
    let answered = match target {
        Target::Ping => {
            call.ping();
            Ok(())
        }
        Target::Subscribe(at) => {
            let spec = &shared.catalog.channels[at];
            match (spec.subscribe)(router::Call(&Channel { call: &call, spec }), text) {
                Ok(answer) => {
                    answer.await;
                    Ok(())
                }
                Err(message) => Err(message),
            }
        }
        Target::Unsubscribe(at) => {
            let spec = &shared.catalog.channels[at];
            (spec.unsubscribe)(router::Call(&Channel { call: &call, spec }), text)
        }
        Target::Request(at) => call.request(&shared.catalog.requests[at], envelope.payload).await,
    };
    answered.map_err(|message| Fault { id: envelope.id, kind: FaultKind::Invalid, message })
}

struct Call<'a> {
    shared: &'a Shared,
    session: &'a Session,
    id: Option<&'a Id>,
}

/// A call to one channel, for the channel's generated router.
struct Channel<'a> {
    call: &'a Call<'a>,
    spec: &'a ChannelRow,
}

impl Answers for Channel<'_> {
    fn subscribe(&self, fragment: &'static Fragment, decoded: Decoded) -> Pending<'_, ()> {
        Box::pin(self.call.subscribe(self.spec, fragment, decoded))
    }

    fn unsubscribe(&self, fragment: &'static Fragment, decoded: Decoded) {
        self.call.unsubscribe(fragment, &decoded);
    }
}

impl Call<'_> {
    fn ping(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.reply(PING.reply, format!("{{\"time\":{}}}", now.as_millis()).as_bytes());
    }

    /// Awaits a handler of the application within the time limit. Dropping a handler that exceeds
    /// it releases what the handler holds: a pending subscription, the lock to start a feed.
    async fn with_time_limit<T>(
        &self,
        kind: &str,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let Some(limit) = self.shared.limits.handler_timeout else { return work.await };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            tracing::error!(session = %self.session.id(), kind, ?limit, "handler timed out");
            Err(Refusal::internal("the server could not answer in time"))
        })
    }

    /// Sends a reply without a stream position.
    fn reply(&self, kind: &str, payload: &[u8]) {
        self.session.send(&Message { kind, id: self.id, payload: Some(payload), ..Message::default() });
    }

    fn refuse(&self, kind: &str, subject: Option<(&str, &SubjectText)>, refusal: &Refusal) {
        self.shared.catalog.check_code(refusal);
        self.reply(kind, &refusal_payload(subject, refusal, true));
    }

    fn form(&self) -> Form {
        if self.shared.profile.nested_params { Form::Nested } else { Form::Flat }
    }

    fn cx(&self) -> RawCx<'_> {
        RawCx { state: &self.shared.state, session: self.session }
    }

    async fn subscribe(&self, spec: &ChannelRow, fragment: &Fragment, decoded: Decoded) {
        let subject = subject_of(fragment, &decoded);
        let topic = self.shared.topics.get_or_create(&decoded.topic, spec.topic_settings());
        let payload = ok_payload(subject, "Subscribed to", fragment.route, &decoded.topic);
        let kind = fragment.subscribe.reply;
        let reply = |position: StreamPosition<'_>| {
            let (epoch, seq) = (Some(position.epoch), Some(position.seq));
            let message = Message { kind, id: self.id, epoch, seq, payload: Some(&payload), ..Message::default() };
            Frame::text(payload.len() + 128, |out| message.write(out))
        };
        if self.session.if_subscribed(&decoded.topic, || topic.reply(self.session.handle(), &reply)) {
            tracing::trace!(session = %self.session.id(), topic = %topic.name, "already subscribed");
        } else if self.session.subscription_count() >= self.shared.limits.subscriptions {
            let limit = self.shared.limits.subscriptions;
            let message = format!("a connection may have {limit} subscriptions; unsubscribe from one first");
            self.refuse(kind, subject, &Refusal::too_many_subscriptions(message));
        } else if let Some(hooks) = &spec.hooks {
            if let Err(refusal) = self.with_time_limit(kind, self.join_served(hooks, &decoded, &topic, &reply)).await {
                self.refuse(kind, subject, &refusal);
            }
        } else {
            let (subscription, _) = topic.join(self.session.handle(), Some(&reply));
            self.session.keep(subscription);
            tracing::debug!(session = %self.session.id(), topic = %topic.name, "subscribed");
        }
    }

    /// Subscribes to a channel that implements `Serve`.
    ///
    /// The connection joins before the snapshot is requested, and its updates are held back until
    /// the snapshot is ready, so that none is missing between the two.
    async fn join_served(
        &self,
        hooks: &Hooks,
        decoded: &Decoded,
        topic: &Arc<LiveTopic>,
        reply: &(dyn Fn(StreamPosition<'_>) -> Frame + Sync),
    ) -> Result<(), Refusal> {
        let request = &*decoded.request;
        (hooks.authorize)(request, self.cx()).await?;
        let (subscription, seq) = topic.join(self.session.handle(), None);
        if let Some(feed) = &topic.feed {
            feed.ensure((hooks.feed)(request, self.cx(), RawTopic(Arc::clone(topic)))).await?;
        }
        let snapshot = match hooks.snapshot {
            SnapshotHook::PerSubscriber(hook) => hook(request, self.cx()).await?,
            SnapshotHook::Shared(hook) => payload_of(hook(request, &self.shared.state).await?),
        };
        let mut first = vec![reply(StreamPosition { epoch: &topic.epoch, seq })];
        if let Some(snapshot) = snapshot {
            first.push(subscription.message(subscription.topic.fragment.snapshot, Some(seq), &snapshot));
        }
        tracing::debug!(session = %self.session.id(), topic = %topic.name, "subscribed");
        // Before `keep`, so that the reply precedes the message of a caller that ends the
        // subscription.
        self.session.handle().release(topic.id, first);
        self.session.keep(subscription);
        Ok(())
    }

    fn unsubscribe(&self, fragment: &Fragment, decoded: &Decoded) {
        if let Some(subscription) = self.session.take(&decoded.topic) {
            tracing::debug!(session = %self.session.id(), topic = %subscription.topic.name, "unsubscribed");
        }
        let subject = subject_of(fragment, decoded);
        let payload = ok_payload(subject, "Unsubscribed from", fragment.route, &decoded.topic);
        self.reply(fragment.unsubscribe.reply, &payload);
    }

    async fn request(&self, spec: &RequestRow, payload: Option<&str>) -> Result<(), String> {
        let answer = self.with_time_limit(spec.fragment.name, (spec.call)(self.cx(), payload)?).await;
        let Some(kind) = spec.fragment.reply else {
            if let Err(refusal) = answer {
                tracing::debug!(operation = spec.fragment.name, %refusal, "refused an operation that has no reply");
            }
            return Ok(());
        };
        let payload = match answer {
            Ok(payload) => payload,
            Err(refusal) => {
                self.shared.catalog.check_code(&refusal);
                Some(refusal_payload(None, &refusal, true).into())
            }
        };
        self.session.send(&Message { kind, id: self.id, payload: payload.as_deref(), ..Message::default() });
        Ok(())
    }
}

/// Returns the payload of a snapshot, if there is one.
fn payload_of(loaded: Loaded) -> Option<Bytes> {
    match loaded {
        Loaded::NoHook => None,
        Loaded::Value(value) => value,
        Loaded::Rows(mut rows) => {
            rows.sort_by(|(one, _), (other, _)| one.cmp(other));
            let rows: Vec<_> = rows.iter().map(|(_, row)| &row[..]).collect();
            Some([b"{\"set\":[", &rows.join(&b","[..])[..], b"]}"].concat().into())
        }
    }
}

fn subject_of<'a>(fragment: &Fragment, decoded: &'a Decoded) -> Option<(&'static str, &'a SubjectText)> {
    fragment.subject.map(|subject| subject.name).zip(decoded.subject.as_ref())
}
