//! A message that is being answered.

use std::time::SystemTime;

use crate::{
    Refusal,
    call::{PING, RawCx, Session},
    connection::shared::Shared,
    declare::SubjectText,
    wire::{Form, Id, Message, refusal_payload},
};

/// A message that is being answered, and the session that sent it.
pub(super) struct Call<'a> {
    pub(super) shared: &'a Shared,
    pub(super) session: &'a Session,
    pub(super) id: Option<&'a Id>,
}

impl Call<'_> {
    pub(super) fn ping(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.reply(PING.reply, format!("{{\"time\":{}}}", now.as_millis()).as_bytes());
    }

    /// Awaits a handler of the application within the time limit. Dropping a handler that exceeds
    /// it releases what the handler holds: a pending subscription, the lock to start a feed.
    pub(super) async fn with_time_limit<T>(
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
    pub(super) fn reply(&self, kind: &str, payload: &[u8]) {
        self.session.send(&Message { kind, id: self.id, payload: Some(payload), ..Message::default() });
    }

    pub(super) fn refuse(&self, kind: &str, subject: Option<(&str, &SubjectText)>, refusal: &Refusal) {
        self.shared.catalog.check_code(refusal);
        self.reply(kind, &refusal_payload(subject, refusal, true));
    }

    pub(super) fn form(&self) -> Form {
        if self.shared.profile.nested_params { Form::Nested } else { Form::Flat }
    }

    pub(super) fn cx(&self) -> RawCx<'_> {
        RawCx { state: &self.shared.state, session: self.session }
    }
}
