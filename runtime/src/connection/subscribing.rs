//! How a session subscribes to a topic, by the kind of the channel.

use std::sync::Arc;

use crate::{
    Refusal,
    call::{AnyState, Decoded, Hooks, RawTopic, SnapshotHook},
    connection::call::Call,
    fanout::{Beginning, Release},
    topics::{Lease, Loaded, Opening, Subscription},
    wire::{Frame, Id, Message, Start},
};

/// A session that subscribes to a topic.
pub(super) struct Subscribing<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) decoded: &'a Decoded,
    pub(super) topic: &'a Arc<Lease>,
    pub(super) start: &'a Start,
    pub(super) reply: &'a SubscribeReply,
}

/// The reply to a subscribe, without the position.
#[derive(Clone)]
pub(super) struct SubscribeReply {
    pub(super) kind: &'static str,
    pub(super) id: Option<Id>,
    pub(super) payload: Vec<u8>,
}

impl Subscribing<'_> {
    /// Subscribes to a channel without hooks.
    pub(super) fn relayed(&self) {
        let handle = self.call.session.handle();
        if self.topic.is_state() {
            self.topic.join_state(handle);
            self.release_state(Subscription::new(self.topic, handle));
            return;
        }
        let opening = self.topic.join_events(handle, self.start, Some(&|opening| self.reply.encode(opening)));
        let subscription = Subscription::new(self.topic, handle);
        if opening.is_live() {
            self.call.session.keep(subscription);
        } else {
            self.release(subscription, vec![self.reply.encode(&opening)], opening.beginning);
        }
    }

    /// Subscribes to a channel that implements `Serve`.
    ///
    /// The connection joins before the hooks run, and its updates are held back until they are
    /// ready, so that none is missing between the two.
    pub(super) async fn served(&self, hooks: &Hooks) -> Result<(), Refusal> {
        let request = &*self.decoded.request;
        (hooks.authorize)(request, self.call.cx()).await?;
        match hooks.snapshot {
            SnapshotHook::PerSubscriber(snapshot) => {
                let handle = self.call.session.handle();
                let mut opening = self.topic.join_events(handle, self.start, None);
                let subscription = Subscription::new(self.topic, handle);
                self.ensure_feed(hooks).await?;
                // A client that recovers has the state that a snapshot would contain.
                let snapshot = match opening.recovered {
                    Some(true) => None,
                    _ => snapshot(request, self.call.cx()).await?,
                };
                opening.snapshot = snapshot.is_some();
                let mut first = vec![self.reply.encode(&opening)];
                let name = self.topic.fragment.snapshot;
                first.extend(snapshot.map(|payload| self.topic.message(name, Some(opening.seq), &payload)));
                self.release(subscription, first, opening.beginning);
            }
            SnapshotHook::Shared(snapshot) => {
                self.topic.join_state(self.call.session.handle());
                let subscription = Subscription::new(self.topic, self.call.session.handle());
                self.ensure_feed(hooks).await?;
                let state: &AnyState = &self.call.shared.state;
                let load = async { self.fill(snapshot(request, state).await?) };
                self.topic.loader.load(|| self.topic.is_known(), load).await?;
                self.release_state(subscription);
            }
        }
        Ok(())
    }

    async fn ensure_feed(&self, hooks: &Hooks) -> Result<(), Refusal> {
        let Some(feed) = &self.topic.feed else { return Ok(()) };
        let request = &*self.decoded.request;
        feed.ensure((hooks.feed)(request, self.call.cx(), RawTopic(Arc::clone(self.topic)))).await
    }

    fn fill(&self, loaded: Loaded) -> Result<(), Refusal> {
        self.topic.fill(loaded).map_err(|error| {
            tracing::error!(topic = %self.topic.name, %error, "the snapshot hook returned a state that cannot be kept");
            Refusal::internal("the state cannot be sent")
        })
    }

    /// Starts a subscription to a topic that keeps its state.
    fn release_state(&self, subscription: Subscription) {
        let opening = self.topic.open_state(self.start);
        self.release(subscription, vec![self.reply.encode(&opening)], opening.beginning);
    }

    fn release(&self, subscription: Subscription, first: Vec<Frame>, beginning: Beginning) {
        let start = Release { first, beginning, interval: self.start.interval };
        // Before `keep`, so that the reply precedes the message of a caller that ends the
        // subscription.
        self.call.session.handle().release(self.topic.id, start);
        self.call.session.keep(subscription);
    }
}

impl SubscribeReply {
    /// Encodes the reply to a new subscription.
    fn encode(&self, opening: &Opening) -> Frame {
        let Opening { epoch, seq, recovered, snapshot, .. } = opening;
        self.write(&Message {
            epoch: Some(&**epoch),
            seq: Some(*seq),
            recovered: *recovered,
            snapshot: *snapshot,
            ..Message::default()
        })
    }

    /// Encodes the reply to a subscribe that repeats another. `sent` is the number that was last
    /// sent.
    pub(super) fn encode_again(&self, epoch: &str, sent: u64) -> Frame {
        self.write(&Message { epoch: Some(epoch), seq: Some(sent), ..Message::default() })
    }

    fn write(&self, position: &Message<'_>) -> Frame {
        let message = Message { kind: self.kind, id: self.id.as_ref(), payload: Some(&self.payload), ..*position };
        Frame::text(self.payload.len() + 160, |out| message.write(out))
    }
}
