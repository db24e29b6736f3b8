//! One message of a client: from its `type` to the row that answers it.

use std::{sync::Arc, time::SystemTime};

use crate::{
    Refusal,
    call::{ChannelSpec, Decoded, Hooks, RawCx, RequestSpec, Session, Target},
    connection::shared::Shared,
    declare::SubjectText,
    topics::{LiveTopic, RawTopic, Standing},
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
    let call = Call { core: &core, session: &session, kind: &envelope.kind, id: envelope.id.as_ref() };
    let answered = match target {
        Target::Ping => {
            call.ping();
            Ok(())
        }
        Target::Subscribe(at) => call.subscribe(&core.catalog.channels[at], envelope.payload).await,
        Target::Unsubscribe(at) => call.unsubscribe(&core.catalog.channels[at], envelope.payload),
        Target::Request(at) => call.request(&core.catalog.requests[at], envelope.payload).await,
    };
    answered.map_err(|message| Fault { id: envelope.id, kind: FaultKind::Invalid, message })
}

struct Call<'a> {
    core: &'a Shared,
    session: &'a Session,
    kind: &'a str,
    id: Option<&'a Id>,
}

impl Call<'_> {
    fn ping(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.reply(format!("{{\"time\":{}}}", now.as_millis()).as_bytes());
    }

    /// Waits for the application, but not for ever: what takes too long is dropped, and with it
    /// whatever it holds: a subscription that is held back, the turn to start a feed.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        let Some(limit) = self.core.limits.handler_timeout else { return work.await };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            tracing::error!(session = %self.session.id(), kind = self.kind, ?limit, "a handler did not answer in time");
            Err(Refusal::internal("the server could not answer in time"))
        })
    }

    /// A reply without numbering.
    fn reply(&self, payload: &[u8]) {
        let kind = format!("{}.response", self.kind);
        self.session.send(&Message { kind: &kind, id: self.id, payload: Some(payload), ..Message::default() });
    }

    fn refuse(&self, subject: Option<(&str, &SubjectText)>, refusal: &Refusal) {
        self.core.catalog.check_code(refusal);
        self.reply(&refusal_payload(subject, refusal, true));
    }

    fn form(&self) -> Form {
        if self.core.profile.nested_params { Form::Nested } else { Form::Flat }
    }

    fn cx(&self) -> RawCx<'_> {
        RawCx { state: &*self.core.state, session: self.session }
    }

    async fn subscribe(&self, spec: &ChannelSpec, payload: Option<&str>) -> Result<(), String> {
        let decoded = (spec.decode)(payload, self.form())?;
        let subject = subject_of(spec, &decoded);
        let entry = self.core.topics.get_or_create(&decoded.topic, spec.kind());
        let payload = ok_payload(subject, "Subscribed to", spec.declaration.route, &decoded.topic);
        let kind = format!("{}.response", self.kind);
        let reply = |standing: Standing<'_>| {
            let (epoch, seq) = (Some(standing.epoch), Some(standing.seq));
            let message =
                Message { kind: &kind, id: self.id, epoch, seq, payload: Some(&payload), ..Message::default() };
            Frame::text(payload.len() + 128, |out| message.write(out))
        };
        if self.session.if_subscribed(&decoded.topic, || entry.reply(self.session.handle(), &reply)) {
            tracing::trace!(session = %self.session.id(), topic = %entry.name, "subscribed already");
        } else if self.session.subscription_count() >= self.core.limits.subscriptions {
            let limit = self.core.limits.subscriptions;
            let message = format!("a connection may have {limit} subscriptions; unsubscribe from one first");
            self.refuse(subject, &Refusal::too_many_subscriptions(message));
        } else if let Some(hooks) = &spec.hooks {
            if let Err(refusal) = self.in_time(self.join_served(hooks, &decoded, &entry, &reply)).await {
                self.refuse(subject, &refusal);
            }
        } else {
            let (subscription, _) = entry.join(self.session.handle(), Some(&reply));
            self.session.keep(subscription);
            tracing::debug!(session = %self.session.id(), topic = %entry.name, "subscribed");
        }
        Ok(())
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
            first.push(subscription.message("snapshot", Some(seq), &snapshot));
        }
        tracing::debug!(session = %self.session.id(), topic = %entry.name, "subscribed");
        // The reply goes out first: whoever ends the subscription from now on ends one that
        // the client knows of.
        self.session.handle().release(entry.id, first);
        self.session.keep(subscription);
        Ok(())
    }

    fn unsubscribe(&self, spec: &ChannelSpec, payload: Option<&str>) -> Result<(), String> {
        let decoded = (spec.decode)(payload, self.form())?;
        if let Some(subscription) = self.session.take(&decoded.topic) {
            tracing::debug!(session = %self.session.id(), topic = %subscription.entry.name, "unsubscribed");
        }
        let subject = subject_of(spec, &decoded);
        self.reply(&ok_payload(subject, "Unsubscribed from", spec.declaration.route, &decoded.topic));
        Ok(())
    }

    async fn request(&self, spec: &RequestSpec, payload: Option<&str>) -> Result<(), String> {
        let answer = self.in_time((spec.call)(self.cx(), payload)?).await;
        let Some(kind) = spec.declaration.reply_name else {
            if let Err(refusal) = answer {
                tracing::debug!(operation = spec.declaration.name, %refusal, "refused without a reply");
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

fn subject_of<'a>(spec: &ChannelSpec, decoded: &'a Decoded) -> Option<(&'static str, &'a SubjectText)> {
    spec.declaration.subject.zip(decoded.subject.as_ref())
}
