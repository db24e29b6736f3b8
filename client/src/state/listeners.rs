//! The listeners of pushes and of connection events.

use std::{collections::HashMap, sync::Arc};

use crate::{
    buffer::Buffer,
    connection::Event,
    envelope::Payload,
    item::{Listener, RawItem},
    status::Status,
};

#[derive(Debug, Default)]
pub(super) struct Listeners {
    /// By the name of the push.
    pushes: HashMap<&'static str, Vec<Listener>>,
    events: Vec<Arc<Buffer<Event>>>,
}

impl Listeners {
    pub(super) fn add_push(&mut self, name: &'static str, listener: &Listener) {
        self.pushes.entry(name).or_default().push(Arc::clone(listener));
    }

    pub(super) fn remove_push(&mut self, name: &'static str, listener: &Listener) {
        if let Some(listeners) = self.pushes.get_mut(name) {
            listeners.retain(|other| !Arc::ptr_eq(other, listener));
            if listeners.is_empty() {
                self.pushes.remove(name);
            }
        }
    }

    pub(super) fn add_events(&mut self, listener: &Arc<Buffer<Event>>) {
        self.events.push(Arc::clone(listener));
    }

    pub(super) fn remove_events(&mut self, listener: &Arc<Buffer<Event>>) {
        self.events.retain(|other| !Arc::ptr_eq(other, listener));
    }

    /// Delivers a push, and returns whether it has listeners.
    pub(super) fn push(&self, name: &str, payload: &str) -> bool {
        let Some(listeners) = self.pushes.get(name) else { return false };
        let payload = Payload::from(payload);
        listeners.iter().for_each(|listener| listener.push(RawItem::Update(Payload::clone(&payload)).into()));
        true
    }

    /// Delivers the status of the connection to all listeners of pushes.
    pub(super) fn push_status(&self, status: &Status) {
        self.pushes.values().flatten().for_each(|listener| listener.push(RawItem::Status(status.clone()).into()));
    }

    pub(super) fn emit(&self, event: &Event) {
        self.events.iter().for_each(|listener| listener.push(event.clone()));
    }

    pub(super) fn end_pushes(&mut self) {
        self.pushes.drain().flat_map(|(_, listeners)| listeners).for_each(|listener| listener.end());
    }

    pub(super) fn end_events(&mut self) {
        self.events.drain(..).for_each(|listener| listener.end());
    }
}
