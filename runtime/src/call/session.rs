//! The session of a connected client: its identity and its subscriptions.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use http::Extensions;
use uuid::Uuid;

use crate::{
    Push, Refusal,
    call::pushes::Pushes,
    error::Error,
    fanout::Handle,
    topics::Subscription,
    wire::{CloseCode, Frame, Message, refusal_payload},
};

/// A connected client. Clones are handles; they outlive the connection and then do nothing.
///
/// ```
/// use topicast::{CloseCode, Refusal, Server};
///
/// /// Ends every subscription to one account, and closes no connection.
/// fn revoke(ws: &Server, topic: &str) {
///     for session in ws.sessions() {
///         session.end_subscription(topic, &Refusal::forbidden("this account is not yours any more"));
///     }
/// }
///
/// /// Closes the connections from other machines.
/// fn close_remote(ws: &Server) {
///     let remote = |session: &topicast::Session| session.peer().is_some_and(|peer| !peer.ip().is_loopback());
///     for session in ws.sessions().into_iter().filter(remote) {
///         session.close(CloseCode::POLICY, "local clients only");
///     }
/// }
/// # let ws = Server::builder("Sessions", "1.0.0").build().unwrap();
/// # revoke(&ws, "a:{}");
/// # close_remote(&ws);
/// ```
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    id: Uuid,
    peer: Option<SocketAddr>,
    extensions: Extensions,
    handle: Handle,
    pushes: Arc<Pushes>,
    subscriptions: Mutex<Subscriptions>,
}

#[derive(Default)]
struct Subscriptions {
    /// True once the connection has ended. A subscription that completes later is dropped.
    ended: bool,
    list: Vec<Subscription>,
}

impl Session {
    pub(crate) fn new(handle: Handle, peer: Option<SocketAddr>, extensions: Extensions, pushes: Arc<Pushes>) -> Self {
        let id = Uuid::new_v4();
        Self(Arc::new(Inner { id, peer, extensions, handle, pushes, subscriptions: Mutex::default() }))
    }

    /// Returns the random identifier of this connection.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// Returns the peer's address, if the server knows it.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// Returns the extensions that the tower layers and `authenticate` added to the handshake.
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// Returns one of the [`extensions`](Self::extensions).
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get::<T>()
    }

    /// Returns the topics that this session is subscribed to.
    pub fn topics(&self) -> Vec<String> {
        self.lock().list.iter().map(|subscription| subscription.topic.name.to_string()).collect()
    }

    /// Sends a push to this session only.
    ///
    /// # Errors
    /// When the push is not listed in the server's operations or does not serialize.
    pub fn push<P: Push>(&self, push: &P) -> Result<(), Error> {
        self.0.handle.send(self.0.pushes.frame(push)?);
        Ok(())
    }

    /// Closes the connection and drops updates that are not yet sent.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.handle.signals.request_close(code, reason);
    }

    /// Ends one subscription and sends `R.unsubscribed` with the refusal's code to the client.
    ///
    /// Returns false if the session is not subscribed to the topic. A session that is still
    /// subscribing is not subscribed yet.
    pub fn end_subscription(&self, topic: &str, why: &Refusal) -> bool {
        let Some(subscription) = self.take(topic) else { return false };
        let message = subscription.topic.message(
            subscription.topic.fragment.unsubscribed,
            None,
            &refusal_payload(None, why, false),
        );
        // The session leaves the topic first, so that no update follows the message.
        drop(subscription);
        self.0.handle.send(message);
        true
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.0.handle
    }

    pub(crate) fn send(&self, message: &Message<'_>) {
        self.0.handle.send(Frame::text(message.payload.map_or(0, <[u8]>::len) + 128, |out| message.write(out)));
    }

    /// Calls `then` if the session is subscribed to a topic; the subscription cannot end during
    /// the call. Returns false if the session is not subscribed.
    pub(crate) fn if_subscribed(&self, topic: &str, then: impl FnOnce()) -> bool {
        let subscriptions = self.lock();
        let subscribed = subscriptions.list.iter().any(|subscription| &*subscription.topic.name == topic);
        if subscribed {
            then();
        }
        subscribed
    }

    pub(crate) fn subscription_count(&self) -> usize {
        self.lock().list.len()
    }

    /// Stores a subscription until it is taken or the session ends.
    pub(crate) fn keep(&self, subscription: Subscription) {
        let mut subscriptions = self.lock();
        if subscriptions.ended {
            // Dropped outside the lock, like every subscription.
            drop(subscriptions);
            drop(subscription);
        } else {
            if subscriptions.list.is_empty() {
                // Most sessions have one subscription, and a vector begins with room for four.
                subscriptions.list.reserve_exact(1);
            }
            subscriptions.list.push(subscription);
        }
    }

    pub(crate) fn take(&self, topic: &str) -> Option<Subscription> {
        let mut subscriptions = self.lock();
        let at = subscriptions.list.iter().position(|subscription| &*subscription.topic.name == topic)?;
        Some(subscriptions.list.swap_remove(at))
    }

    /// Ends every subscription and accepts no new one.
    pub(crate) fn end(&self) {
        let mut subscriptions = self.lock();
        subscriptions.ended = true;
        let list = std::mem::take(&mut subscriptions.list);
        drop(subscriptions);
        drop(list);
    }

    fn lock(&self) -> MutexGuard<'_, Subscriptions> {
        self.0.subscriptions.lock().expect("nothing panics while a session's subscriptions are locked")
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.0.id).field("peer", &self.0.peer).finish_non_exhaustive()
    }
}
