//! One client as the application sees it: who it is and what it is subscribed to.

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
/// /// Ends the subscriptions of a user to one account, and the connections of nobody.
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
    /// The connection is gone: whoever is still subscribing comes too late.
    ended: bool,
    list: Vec<Subscription>,
}

impl Session {
    pub(crate) fn new(handle: Handle, peer: Option<SocketAddr>, extensions: Extensions, pushes: Arc<Pushes>) -> Self {
        let id = Uuid::new_v4();
        Self(Arc::new(Inner { id, peer, extensions, handle, pushes, subscriptions: Mutex::default() }))
    }

    /// A random identifier of this connection.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// The peer's address, where the server knows it.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// What `authenticate` and the tower layers before it left with the handshake.
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// One of the [`extensions`](Self::extensions).
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get::<T>()
    }

    /// The topics this session is subscribed to.
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

    /// Closes the connection. Updates that are not yet sent are dropped.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.handle.signals.request_close(code, reason);
    }

    /// Ends one subscription: the client is sent `R.unsubscribed` with the refusal's code.
    /// False if the session was not subscribed to that topic; one that is just subscribing
    /// is not yet.
    pub fn end_subscription(&self, topic: &str, why: &Refusal) -> bool {
        let Some(subscription) = self.take(topic) else { return false };
        let message =
            subscription.message(subscription.topic.fragment.unsubscribed, None, &refusal_payload(None, why, false));
        // Leaving first: no update may follow the message.
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

    /// Does something while the session is subscribed to a topic, which nobody can end
    /// meanwhile; false if it is not.
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

    /// Keeps a subscription until it is taken or the session ends.
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

    /// Leaves every topic; nothing is subscribed afterwards.
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
