//! The pushes that a server lists.

use std::any::TypeId;

use crate::{
    Push,
    declare::PushFragment,
    error::Error,
    wire::{Frame, Message, payload},
};

/// The type-erased row of a push.
#[derive(Clone, Copy)]
pub struct PushRow {
    pub(crate) fragment: &'static PushFragment,
    type_id: TypeId,
}

impl PushRow {
    pub(crate) const fn of<P: Push>() -> Self {
        Self { fragment: P::FRAGMENT, type_id: TypeId::of::<P>() }
    }
}

/// The pushes of a server, in the order in which they were listed.
#[derive(Default)]
pub(crate) struct Pushes(pub(crate) Vec<PushRow>);

impl Pushes {
    /// Encodes a push as a frame.
    ///
    /// # Errors
    /// When the push is not listed or does not serialize.
    pub(crate) fn frame<P: Push>(&self, push: &P) -> Result<Frame, Error> {
        if !self.0.iter().any(|row| row.type_id == TypeId::of::<P>()) {
            return Err(Error::unlisted("push", P::NAME, "operations!"));
        }
        let payload = payload::encode(push).map_err(Error::encode)?;
        Ok(Frame::text(payload.len() + 64, |out| {
            Message { kind: P::NAME, payload: Some(&payload), ..Message::default() }.write(out);
        }))
    }
}
