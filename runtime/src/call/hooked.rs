//! What the snapshot hook of a channel receives and returns, by the channel's kind.

use crate::{
    call::cx::Cx,
    declare::kind::{Events, Kind, Latest, Table},
};

/// What the snapshot hook of a channel receives and returns, by the channel's kind.
///
/// | kind | receives | returns |
/// | --- | --- | --- |
/// | [`Events`] | `&Cx<'_, S>` | `Option<Update>` |
/// | [`Latest`] | `&S` | `Option<Update>` |
/// | [`Table`] | `&S` | `Vec<Update>` |
///
/// The server shares the state of a [`Latest`] or [`Table`] topic among its subscribers, so the
/// hook does not receive the session.
///
/// ```
/// use topicast::{Refusal, Serve, data, ws_router};
///
/// #[data]
/// pub struct Order { pub id: u64 }
///
/// #[ws_router(route = "orders", update = Order, table(key = id), served)]
/// pub struct Orders { pub account: String }
///
/// pub struct App { orders: Vec<u64> }
///
/// impl Serve<App> for Orders {
///     async fn snapshot(&self, state: &App) -> Result<Vec<Order>, Refusal> {
///         Ok(state.orders.iter().map(|id| Order { id: *id }).collect())
///     }
/// }
/// ```
pub trait Hooked: Kind {
    /// The context that the hook borrows.
    type Context<'a, S: Send + Sync + 'static>: Send + Sync;

    /// The state of a topic whose updates are of type `U`.
    type Snapshot<U: Send + Sync + 'static>: Send;
}

impl Hooked for Events {
    type Context<'a, S: Send + Sync + 'static> = Cx<'a, S>;
    type Snapshot<U: Send + Sync + 'static> = Option<U>;
}

impl Hooked for Latest {
    type Context<'a, S: Send + Sync + 'static> = S;
    type Snapshot<U: Send + Sync + 'static> = Option<U>;
}

impl Hooked for Table {
    type Context<'a, S: Send + Sync + 'static> = S;
    type Snapshot<U: Send + Sync + 'static> = Vec<U>;
}
