//! The subscriptions of a connection that are not up to date.

use std::time::Duration;

use tokio::time::Instant;

use super::{Peer, UNSENT_STATE};
use crate::fanout::{
    audience::Audience,
    batch::Item,
    course::{Beginning, Held, Release, Stage},
    ids::TopicId,
    pending::{Class, Millis},
    slow::{Policy, TooSlow},
};

impl Peer {
    /// Records that updates of a topic overflowed the inbox: the client catches up instead.
    /// `delivered` is the number of the update before them, and `lost` that of the last.
    pub(crate) fn lose(&mut self, topic: TopicId, delivered: u64, lost: u64) {
        let course = self.arrears.as_mut().and_then(|arrears| arrears.course_mut(topic));
        match course.map(|course| &course.stage) {
            None => self.fall_behind(topic, delivered),
            Some(Stage::Ahead { to }) if *to < lost => {
                let sent = *to;
                self.arrears().end(topic);
                self.fall_behind(topic, sent);
            }
            Some(_) => {}
        }
    }

    /// Returns true if a topic can continue now.
    pub(crate) fn is_due(&self) -> bool {
        let is_due = self.arrears.as_ref().is_some_and(|arrears| !arrears.due.is_empty());
        is_due && !self.writer.blocked && self.is_alive()
    }

    /// Takes the next topic to continue with, once the socket has accepted everything else. The small
    /// frames of several topics share a write.
    pub(crate) fn next_due(&mut self) -> Option<TopicId> {
        if self.writer.blocked || self.writer.outbox.queued_bytes() > UNSENT_STATE || !self.is_alive() {
            return None;
        }
        self.arrears.as_mut()?.due.pop_front()
    }

    /// Continues with a topic that was due. Returns the time at which it continues, if a timer has
    /// to be set.
    pub(crate) fn resume(
        &mut self,
        topic: TopicId,
        audience: &Audience,
        queued_at: Millis,
    ) -> Result<Option<Instant>, TooSlow> {
        let Some(arrears) = &mut self.arrears else { return Ok(None) };
        let Some(course) = arrears.course_mut(topic) else { return Ok(None) };
        match &mut course.stage {
            Stage::Replaying(replay, _) => {
                if let Some(part) = replay.next_part() {
                    self.writer.outbox.push(part, Class::Paced);
                }
                if !replay.is_finished() {
                    arrears.due.push_back(topic);
                } else if let Some(interval) = course.interval {
                    // Something may have been published since the replay was fixed.
                    let until = Instant::now() + interval;
                    course.stage = Stage::Resting { sent: replay.position(), until, timer: true };
                    return Ok(Some(until));
                } else if audience.slow.policy == Policy::CatchUp {
                    course.stage = Stage::Behind { sent: replay.position(), snapshot: false };
                    arrears.due.push_back(topic);
                } else {
                    return self.release_held(topic, audience.slow.policy, queued_at).map(|()| None);
                }
            }
            Stage::Behind { sent, snapshot } => {
                let Some(source) = &audience.source else { return Ok(None) };
                let caught_up = source.catch_up((!*snapshot).then_some(*sent));
                let merged = if *snapshot { 0 } else { caught_up.seq.saturating_sub(*sent + 1) };
                if let Some(interval) = course.interval {
                    // If nothing is sent, nothing delays the next update.
                    let rest = if caught_up.frame.is_some() { interval } else { Duration::ZERO };
                    let until = Instant::now() + rest;
                    course.stage = Stage::Resting { sent: caught_up.seq, until, timer: false };
                } else if caught_up.seq > audience.seq {
                    course.stage = Stage::Ahead { to: caught_up.seq };
                } else {
                    arrears.end(topic);
                }
                if merged > 0 {
                    arrears.drop_updates(topic, merged);
                }
                if let Some(frame) = caught_up.frame {
                    self.writer.outbox.push(frame, Class::Paced);
                }
                self.release_empty_arrears();
            }
            Stage::Joining(_) | Stage::Ahead { .. } | Stage::Resting { .. } => {}
        }
        Ok(None)
    }

    /// Ends a pause that a client's `max_rate` required. Returns true if the topic is due. The timer
    /// may be that of an earlier subscription to the same topic, whose pause ends before.
    pub(crate) fn end_rest(&mut self, topic: TopicId, now: Instant) -> bool {
        let Some(arrears) = &mut self.arrears else { return false };
        let Some(course) = arrears.course_mut(topic) else { return false };
        let Stage::Resting { sent, until, .. } = course.stage else { return false };
        if now < until {
            return false;
        }
        course.stage = Stage::Behind { sent, snapshot: false };
        arrears.due.push_back(topic);
        true
    }

    /// Holds an update of an event back until the reply or the replay is sent.
    pub(super) fn hold(&mut self, item: &Item) -> Result<(), TooSlow> {
        let len = item.len();
        if item.policy == Policy::Close && !self.has_room(len) && self.is_alive() {
            return Err(TooSlow);
        }
        let Some(arrears) = &mut self.arrears else { return Ok(()) };
        let mut skipped = arrears.take_skips(item.topic);
        let free = self.limit.saturating_sub(self.writer.outbox.bytes());
        let (mut held_bytes, mut dropped) = (arrears.held_bytes, 0);
        let Some(held) = arrears.course_mut(item.topic).and_then(|course| course.stage.held()) else { return Ok(()) };
        // The oldest ones make room.
        while held_bytes + len > free
            && let Some(oldest) = held.pop_front()
        {
            held_bytes -= oldest.update.frame.bytes().len();
            dropped += 1;
            match held.front_mut() {
                Some(next) => next.skipped += oldest.skipped + 1,
                None => skipped += oldest.skipped + 1,
            }
        }
        held.push_back(Held { update: item.update.clone(), skipped });
        arrears.held_bytes = held_bytes + len;
        if dropped > 0 {
            arrears.drop_updates(item.topic, dropped);
        }
        Ok(())
    }

    /// Queues the first frames of a subscription and starts it. Returns `None` if the topic is not
    /// joining.
    pub(crate) fn release(
        &mut self,
        topic: TopicId,
        policy: Policy,
        queued_at: Millis,
        start: Release,
    ) -> Option<Result<(), TooSlow>> {
        let course = self.arrears.as_mut()?.course_mut(topic)?;
        let Stage::Joining(held) = &mut course.stage else { return None };
        let held = std::mem::take(held);
        course.interval = start.interval;
        course.stage = match start.beginning {
            Beginning::Live => Stage::Joining(held),
            Beginning::Replay(replay) => Stage::Replaying(replay, held),
            Beginning::Snapshot { sent } => Stage::Behind { sent, snapshot: true },
            Beginning::After { sent } => Stage::Behind { sent, snapshot: false },
        };
        let is_live = matches!(course.stage, Stage::Joining(_));
        if !is_live {
            self.arrears().due.push_back(topic);
        }
        let queued = start.first.into_iter().try_for_each(|frame| self.queue_kept(frame));
        Some(queued.and_then(|()| if is_live { self.release_held(topic, policy, queued_at) } else { Ok(()) }))
    }

    /// Queues the updates that were held back.
    fn release_held(&mut self, topic: TopicId, policy: Policy, queued_at: Millis) -> Result<(), TooSlow> {
        // Skipped after the last held update, so the next update reports them.
        let after = self.take_skips(topic);
        let held = self.arrears.as_mut().map(|arrears| arrears.end(topic)).unwrap_or_default();
        self.release_empty_arrears();
        let queued = held.into_iter().try_for_each(|Held { update, skipped }| {
            self.skip(topic, skipped);
            self.queue_update(&Item { topic, policy, queued_at, update })
        });
        self.skip(topic, after);
        queued
    }
}
