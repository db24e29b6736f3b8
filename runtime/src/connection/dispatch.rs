//! One message of a client: from its `type` to the row that answers it.

use std::{sync::Arc, time::SystemTime};

use crate::{
    Refusal,
    call::{
        Answers, ChannelRow, Decoded, Hooks, PING, Pending, RawCx, RawTopic, RequestRow, Session, Target, Text, router,
    },
    connection::shared::Shared,
    declare::{Fragment, SubjectText},
    topics::{LiveTopic, Standing},
    wire::{Envelope, Form, Frame, Id, Message, ok_payload, refusal_payload},
};

/// A message that cannot be answered as what it claims to be.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) id: Option<Id>,
    pub(crate) kind: FaultKind,
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// No envelope, or a payload that does not match.
    Invalid,
    /// No operation of that type that a client may send.
    UnknownType,
}

/// Answers one message. The reply is queued when the future is ready.
///
/// # Errors
/// A fault of form; what it costs, the profile decides.
pub(crate) async fn dispatch(core: Arc<Shared>, session: Session, text: &str) -> Result<(), Fault> {
    let envelope = Envelope::parse(text).map_err(|malformed| Fault {
        id: malformed.id,
        kind: FaultKind::Invalid,
        message: malformed.message,
    })?;
    let Some(target) = core.catalog.target(&envelope.kind) else {
        return Err(Fault {
            message: format!("no operation `{}` that a client may send", envelope.kind.escape_debug()),
            id: envelope.id,
            kind: FaultKind::UnknownType,
        });
    };
    let call = Call { core: &core, session: &session, id: envelope.id.as_ref() };
    let text = Text { payload: envelope.payload, form: call.form() };
    let answered = match target {
        Target::Ping => {
            call.ping();
            Ok(())
        }
        Target::Subscribe(at) => {
            let spec = &core.catalog.channels[at];
            match (spec.subscribe)(router::Call(&Channel { call: &call, spec }), text) {
                Ok(answer) => {
                    answer.await;
                    Ok(())
                }
                Err(message) => Err(message),
            }
        }
        Target::Unsubscribe(at) => {
            let spec = &core.catalog.channels[at];
            (spec.unsubscribe)(router::Call(&Channel { call: &call, spec }), text)
        }
        Target::Request(at) => call.request(&core.catalog.requests[at], envelope.payload).await,
    };
    answered.map_err(|message| Fault { id: envelope.id, kind: FaultKind::Invalid, message })
}

struct Call<'a> {
    core: &'a Shared,
    session: &'a Session,
    id: Option<&'a Id>,
}

/// A call of one channel: what its handlers pass on.
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

    /// Waits for the application, but not for ever: what takes too long is dropped, and with it
    /// whatever it holds: a subscription that is held back, the turn to start a feed.
    async fn in_time<T>(&self, kind: &str, work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        let Some(limit) = self.core.limits.handler_timeout else { return work.await };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            tracing::error!(session = %self.session.id(), kind, ?limit, "a handler did not answer in time");
            Err(Refusal::internal("the server could not answer in time"))
        })
    }

    /// A reply without numbering.
    fn reply(&self, kind: &str, payload: &[u8]) {
        self.session.send(&Message { kind, id: self.id, payload: Some(payload), ..Message::default() });
    }

    fn refuse(&self, kind: &str, subject: Option<(&str, &SubjectText)>, refusal: &Refusal) {
        self.core.catalog.check_code(refusal);
        self.reply(kind, &refusal_payload(subject, refusal, true));
    }

    fn form(&self) -> Form {
        if self.core.profile.nested_params { Form::Nested } else { Form::Flat }
    }

    fn cx(&self) -> RawCx<'_> {
        RawCx { state: &self.core.state, session: self.session }
    }

    async fn subscribe(&self, spec: &ChannelRow, fragment: &Fragment, decoded: Decoded) {
        let subject = subject_of(fragment, &decoded);
        let entry = self.core.topics.get_or_create(&decoded.topic, spec.topic_settings());
        let payload = ok_payload(subject, "Subscribed to", fragment.route, &decoded.topic);
        let kind = fragment.subscribe.reply;
        let reply = |standing: Standing<'_>| {
            let (epoch, seq) = (Some(standing.epoch), Some(standing.seq));
            let message = Message { kind, id: self.id, epoch, seq, payload: Some(&payload), ..Message::default() };
            Frame::text(payload.len() + 128, |out| message.write(out))
        };
        if self.session.if_subscribed(&decoded.topic, || entry.reply(self.session.handle(), &reply)) {
            tracing::trace!(session = %self.session.id(), topic = %entry.name, "subscribed already");
        } else if self.session.subscription_count() >= self.core.limits.subscriptions {
            let limit = self.core.limits.subscriptions;
            let message = format!("a connection may have {limit} subscriptions; unsubscribe from one first");
            self.refuse(kind, subject, &Refusal::too_many_subscriptions(message));
        } else if let Some(hooks) = &spec.hooks {
            if let Err(refusal) = self.in_time(kind, self.join_served(hooks, &decoded, &entry, &reply)).await {
                self.refuse(kind, subject, &refusal);
            }
        } else {
            let (subscription, _) = entry.join(self.session.handle(), Some(&reply));
            self.session.keep(subscription);
            tracing::debug!(session = %self.session.id(), topic = %entry.name, "subscribed");
        }
    }

    /// Subscribes to a channel with behaviour of its own.
    ///
    /// The connection joins before the snapshot is asked for, and its updates are held
    /// until the snapshot is there: none can fall between the two.
    async fn join_served(
        &self,
        hooks: &Hooks,
        decoded: &Decoded,
        entry: &Arc<LiveTopic>,
        reply: &(dyn Fn(Standing<'_>) -> Frame + Sync),
    ) -> Result<(), Refusal> {
        let request = &*decoded.request;
        (hooks.authorize)(request, self.cx()).await?;
        let (subscription, seq) = entry.join(self.session.handle(), None);
        if let Some(feed) = &entry.feed {
            feed.ensure((hooks.feed)(request, self.cx(), RawTopic(Arc::clone(entry)))).await?;
        }
        let snapshot = (hooks.snapshot)(request, self.cx()).await?;
        let mut first = vec![reply(Standing { epoch: &entry.epoch, seq })];
        if let Some(snapshot) = snapshot {
            first.push(subscription.message(subscription.entry.fragment.snapshot, Some(seq), &snapshot));
        }
        tracing::debug!(session = %self.session.id(), topic = %entry.name, "subscribed");
        // The reply goes out first: whoever ends the subscription from now on ends one that
        // the client knows of.
        self.session.handle().release(entry.id, first);
        self.session.keep(subscription);
        Ok(())
    }

    fn unsubscribe(&self, fragment: &Fragment, decoded: &Decoded) {
        if let Some(subscription) = self.session.take(&decoded.topic) {
            tracing::debug!(session = %self.session.id(), topic = %subscription.entry.name, "unsubscribed");
        }
        let subject = subject_of(fragment, decoded);
        let payload = ok_payload(subject, "Unsubscribed from", fragment.route, &decoded.topic);
        self.reply(fragment.unsubscribe.reply, &payload);
    }

    async fn request(&self, spec: &RequestRow, payload: Option<&str>) -> Result<(), String> {
        let answer = self.in_time(spec.fragment.name, (spec.call)(self.cx(), payload)?).await;
        let Some(kind) = spec.fragment.reply else {
            if let Err(refusal) = answer {
                tracing::debug!(operation = spec.fragment.name, %refusal, "refused without a reply");
            }
            return Ok(());
        };
        let payload = match answer {
            Ok(payload) => payload,
            Err(refusal) => {
                self.core.catalog.check_code(&refusal);
                Some(refusal_payload(None, &refusal, true).into())
            }
        };
        self.session.send(&Message { kind, id: self.id, payload: payload.as_deref(), ..Message::default() });
        Ok(())
    }
}

fn subject_of<'a>(fragment: &Fragment, decoded: &'a Decoded) -> Option<(&'static str, &'a SubjectText)> {
    fragment.subject.map(|subject| subject.name).zip(decoded.subject.as_ref())
}
