//! The type-erased snapshot hook, by the channel's kind.

use std::{any::Any, sync::Arc};

use bytes::Bytes;

use crate::{
    Key as _, Refusal, Serve, Tabular,
    call::{
        cx::RawCx,
        encode::encode,
        router::{AnyRequest, Pending, typed},
    },
    declare::{
        RowKey,
        kind::{Events, Latest, Table},
    },
    topics::Loaded,
};

/// The application's state without its type.
pub(crate) type AnyState = Arc<dyn Any + Send + Sync>;

/// The type-erased snapshot hook.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub enum SnapshotHook {
    /// Called for each subscriber: the hook of events. The default returns `None`.
    PerSubscriber(PerSubscriber),
    /// Called once for a topic, whose subscribers share the result.
    Shared(Shared),
}

/// Returns the payload of a subscriber's snapshot, if it has one.
pub(crate) type PerSubscriber = for<'a> fn(&'a AnyRequest, RawCx<'a>) -> Pending<'a, Result<Option<Bytes>, Refusal>>;

/// Returns the state of a topic.
pub(crate) type Shared = for<'a> fn(&'a AnyRequest, &'a AnyState) -> Pending<'a, Result<Loaded, Refusal>>;

/// A kind whose snapshot hook is known for the channel `C` and the state `S`: every kind, for a
/// channel that implements `Serve<S>`.
#[doc(hidden)]
pub trait HookOf<C, S> {
    const HOOK: SnapshotHook;
}

#[diagnostic::do_not_recommend]
impl<C: Serve<S, Kind = Self>, S: Send + Sync + 'static> HookOf<C, S> for Events {
    const HOOK: SnapshotHook = SnapshotHook::PerSubscriber(per_subscriber::<C, S>);
}

#[diagnostic::do_not_recommend]
impl<C: Serve<S, Kind = Self>, S: Send + Sync + 'static> HookOf<C, S> for Latest {
    const HOOK: SnapshotHook = SnapshotHook::Shared(value::<C, S>);
}

#[diagnostic::do_not_recommend]
impl<C: Serve<S> + Tabular, S: Send + Sync + 'static> HookOf<C, S> for Table {
    const HOOK: SnapshotHook = SnapshotHook::Shared(rows::<C, S>);
}

fn per_subscriber<'a, C: Serve<S, Kind = Events>, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    cx: RawCx<'a>,
) -> Pending<'a, Result<Option<Bytes>, Refusal>> {
    Box::pin(async move {
        let event = implemented(typed::<C>(request).snapshot(&cx.typed::<S>()).await)?;
        event.flatten().map(|event| encode(&event)).transpose()
    })
}

fn value<'a, C: Serve<S, Kind = Latest>, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    state: &'a AnyState,
) -> Pending<'a, Result<Loaded, Refusal>> {
    Box::pin(async move {
        let Some(value) = implemented(typed::<C>(request).snapshot(state_of(state)).await)? else {
            return Ok(Loaded::NoHook);
        };
        value.map(|value| encode(&value)).transpose().map(Loaded::Value)
    })
}

fn rows<'a, C: Serve<S> + Tabular, S: Send + Sync + 'static>(
    request: &'a AnyRequest,
    state: &'a AnyState,
) -> Pending<'a, Result<Loaded, Refusal>> {
    Box::pin(async move {
        let Some(rows) = implemented(typed::<C>(request).snapshot(state_of(state)).await)? else {
            return Ok(Loaded::NoHook);
        };
        let row = |row: &C::Update| Ok((key_of::<C>(row)?, encode(row)?));
        rows.iter().map(row).collect::<Result<_, Refusal>>().map(Loaded::Rows)
    })
}

/// Returns the result of a hook, or `None` if the application does not implement it.
fn implemented<T>(result: Result<T, Refusal>) -> Result<Option<T>, Refusal> {
    match result {
        Err(refusal) if refusal.is_no_hook() => Ok(None),
        result => result.map(Some),
    }
}

fn state_of<S: 'static>(state: &AnyState) -> &S {
    state.downcast_ref().expect("the builder takes only rows made for its own state")
}

fn key_of<C: Tabular>(row: &C::Update) -> Result<RowKey, Refusal> {
    let failed = |error: &dyn std::error::Error| {
        tracing::error!(route = C::ROUTE, %error, "a row has no key");
        Refusal::internal("a row has no key")
    };
    let values = C::key(row).values().map_err(|error| failed(&error))?;
    RowKey::from_values(values).map_err(|error| failed(&error))
}
