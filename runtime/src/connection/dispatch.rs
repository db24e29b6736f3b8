//! Dispatches one message of a client to the operation that its `type` names.

use std::sync::Arc;

use crate::{
    Refusal,
    call::{Answers, ChannelRow, Decoded, Pending, RequestRow, Session, Target, Text, router},
    connection::{
        call::Call,
        shared::Shared,
        subscribing::{SubscribeReply, Subscribing},
    },
    declare::{Fragment, KindFragment, SubjectText},
    wire::{Envelope, Id, Message, Start, ok_payload, refusal_payload},
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
            let row = &shared.catalog.channels[at];
            match Start::parse(envelope.start) {
                Ok(start) => match (row.subscribe)(router::Call(&Channel { call: &call, row, start }), text) {
                    Ok(answer) => {
                        answer.await;
                        Ok(())
                    }
                    Err(message) => Err(message),
                },
                Err(message) => Err(message),
            }
        }
        Target::Unsubscribe(at) => {
            let row = &shared.catalog.channels[at];
            (row.unsubscribe)(router::Call(&Channel { call: &call, row, start: Start::default() }), text)
        }
        Target::Request(at) => call.request(&shared.catalog.requests[at], envelope.payload).await,
    };
    answered.map_err(|message| Fault { id: envelope.id, kind: FaultKind::Invalid, message })
}

/// A call to one channel, for the channel's generated router.
struct Channel<'a> {
    call: &'a Call<'a>,
    row: &'a ChannelRow,
    start: Start,
}

impl Answers for Channel<'_> {
    fn subscribe(&self, fragment: &'static Fragment, decoded: Decoded) -> Pending<'_, ()> {
        Box::pin(self.call.subscribe(self.row, fragment, decoded, &self.start))
    }

    fn unsubscribe(&self, fragment: &'static Fragment, decoded: Decoded) {
        self.call.unsubscribe(fragment, &decoded);
    }
}

impl Call<'_> {
    async fn subscribe(&self, row: &ChannelRow, fragment: &'static Fragment, decoded: Decoded, start: &Start) {
        let subject = subject_of(fragment, &decoded);
        let kind = fragment.subscribe.reply;
        let limits = &self.shared.limits;
        if decoded.topic.len() > limits.topic_bytes {
            let message =
                format!("the topic has {} bytes; at most {} are allowed", decoded.topic.len(), limits.topic_bytes);
            return self.refuse(kind, subject, &Refusal::topic_too_long(message));
        }
        let topic = self.shared.topics.get_or_create(&decoded.topic, row.topic_settings());
        let payload = ok_payload(subject, "Subscribed to", fragment.route, &decoded.topic);
        let reply = SubscribeReply { kind, id: self.id.cloned(), payload };
        let again = || {
            let reply = reply.clone();
            topic.reply(self.session.handle(), move |epoch, sent| reply.encode_again(epoch, sent));
        };
        if self.session.if_subscribed(&decoded.topic, again) {
            tracing::trace!(session = %self.session.id(), topic = %topic.name, "already subscribed");
            return;
        }
        let subscribing = Subscribing { call: self, decoded: &decoded, topic: &topic, start, reply: &reply };
        let subscribed = match (self.check_subscribe(fragment, start), &row.hooks) {
            (Err(refusal), _) => Err(refusal),
            (Ok(()), None) => {
                subscribing.relayed();
                Ok(())
            }
            (Ok(()), Some(hooks)) => self.with_time_limit(kind, subscribing.served(hooks)).await,
        };
        match subscribed {
            Ok(()) => tracing::debug!(session = %self.session.id(), topic = %topic.name, "subscribed"),
            Err(refusal) => self.refuse(kind, subject, &refusal),
        }
    }

    /// Refuses a subscription that exceeds a limit or that starts in a way its channel does not
    /// support.
    fn check_subscribe(&self, fragment: &Fragment, start: &Start) -> Result<(), Refusal> {
        let limit = self.shared.limits.subscriptions;
        if self.session.subscription_count() >= limit {
            let message = format!("a connection may have {limit} subscriptions; unsubscribe from one first");
            return Err(Refusal::too_many_subscriptions(message));
        }
        let unsupported = |message: &'static str| Err(Refusal::unsupported(message));
        match fragment.kind {
            KindFragment::Events { history: None } if start.rewind.is_some() => {
                unsupported("rewind: this channel keeps no history")
            }
            KindFragment::Events { .. } if start.interval.is_some() => unsupported(
                "max_rate: this channel sends every event; only `latest` and `table` channels merge updates",
            ),
            KindFragment::Latest | KindFragment::Table { .. } if start.rewind.is_some() => {
                unsupported("rewind: this channel keeps its current state and no past updates")
            }
            _ => Ok(()),
        }
    }

    fn unsubscribe(&self, fragment: &Fragment, decoded: &Decoded) {
        if let Some(subscription) = self.session.take(&decoded.topic) {
            tracing::debug!(session = %self.session.id(), topic = %subscription.topic.name, "unsubscribed");
        }
        let subject = subject_of(fragment, decoded);
        let payload = ok_payload(subject, "Unsubscribed from", fragment.route, &decoded.topic);
        self.reply(fragment.unsubscribe.reply, &payload);
    }

    async fn request(&self, row: &RequestRow, payload: Option<&str>) -> Result<(), String> {
        let answer = self.with_time_limit(row.fragment.name, (row.call)(self.cx(), payload)?).await;
        let Some(kind) = row.fragment.reply else {
            if let Err(refusal) = answer {
                tracing::debug!(operation = row.fragment.name, %refusal, "refused an operation that has no reply");
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

fn subject_of<'a>(fragment: &Fragment, decoded: &'a Decoded) -> Option<(&'static str, &'a SubjectText)> {
    fragment.subject.map(|subject| subject.name).zip(decoded.subject.as_ref())
}
