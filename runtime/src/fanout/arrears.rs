//! What a connection missed, and its subscriptions that are not up to date.

use std::collections::VecDeque;

use crate::fanout::{
    course::{Course, Held, Stage},
    ids::TopicId,
};

/// The arrears of one connection. Most connections never have any.
#[derive(Default)]
pub(crate) struct Arrears {
    /// The number of skipped updates of each topic since the last update that was queued.
    skips: Vec<(TopicId, u64)>,
    /// The subscriptions that are not up to date, sorted by topic.
    courses: Vec<Course>,
    /// The topics to continue with when the socket has accepted everything else, in order.
    pub(crate) due: VecDeque<TopicId>,
    pub(crate) held_bytes: usize,
    /// The number of dropped updates of each topic that the shard has not counted.
    dropped: Vec<(TopicId, u64)>,
}

impl Arrears {
    /// Returns true if the connection has caught up and its drops are counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.skips.is_empty() && self.courses.is_empty() && self.dropped.is_empty()
    }

    /// Records skipped updates of a topic. The next update that is queued reports them.
    pub(crate) fn skip(&mut self, topic: TopicId, count: u64) {
        add(&mut self.skips, topic, count);
    }

    /// Returns the number of skipped updates of a topic that no update has reported.
    pub(crate) fn skipped(&self, topic: TopicId) -> u64 {
        self.skips.iter().find(|(skipped, _)| *skipped == topic).map_or(0, |(_, count)| *count)
    }

    /// Records dropped updates of a topic for the topic's counter.
    pub(crate) fn drop_updates(&mut self, topic: TopicId, count: u64) {
        add(&mut self.dropped, topic, count);
    }

    /// Takes the drops that the shard has not counted.
    pub(crate) fn take_dropped(&mut self) -> Vec<(TopicId, u64)> {
        std::mem::take(&mut self.dropped)
    }

    /// Takes the number of skipped updates of a topic, for the update that reports it.
    pub(crate) fn take_skips(&mut self, topic: TopicId) -> u64 {
        let at = self.skips.iter().position(|(skipped, _)| *skipped == topic);
        at.map_or(0, |at| self.skips.swap_remove(at).1)
    }

    /// Returns the course of a subscription that is not up to date.
    pub(crate) fn course(&self, topic: TopicId) -> Option<&Course> {
        self.find(topic).ok().map(|at| &self.courses[at])
    }

    pub(crate) fn course_mut(&mut self, topic: TopicId) -> Option<&mut Course> {
        self.find(topic).ok().map(|at| &mut self.courses[at])
    }

    /// Puts a subscription on a course, unless it is on one.
    pub(crate) fn begin(&mut self, topic: TopicId, stage: Stage) {
        if let Err(at) = self.find(topic) {
            self.courses.insert(at, Course { topic, stage, interval: None });
        }
    }

    /// Records that the client has nothing of a topic after the number `sent`.
    pub(crate) fn fall_behind(&mut self, topic: TopicId, sent: u64) {
        match self.find(topic) {
            Err(at) => {
                let stage = Stage::Behind { sent, snapshot: false };
                self.courses.insert(at, Course { topic, stage, interval: None });
                self.due.push_back(topic);
            }
            Ok(at) => {
                // Updates from before the first loss were dropped later.
                if let Stage::Behind { sent: known, .. } = &mut self.courses[at].stage {
                    *known = sent.min(*known);
                }
            }
        }
    }

    /// Removes the course of a subscription that is up to date, and returns its held updates.
    pub(crate) fn end(&mut self, topic: TopicId) -> VecDeque<Held> {
        let Ok(at) = self.find(topic) else { return VecDeque::new() };
        let mut course = self.courses.remove(at);
        let held = course.stage.held().map(std::mem::take).unwrap_or_default();
        self.held_bytes -= held.iter().map(|held| held.update.frame.bytes().len()).sum::<usize>();
        held
    }

    /// Removes a topic from which the connection unsubscribed.
    pub(crate) fn forget(&mut self, topic: TopicId) {
        self.end(topic);
        self.take_skips(topic);
        self.due.retain(|due| *due != topic);
    }

    fn find(&self, topic: TopicId) -> Result<usize, usize> {
        self.courses.binary_search_by_key(&topic, |course| course.topic)
    }
}

fn add(counts: &mut Vec<(TopicId, u64)>, topic: TopicId, count: u64) {
    match counts.iter_mut().find(|(counted, _)| *counted == topic) {
        Some((_, sum)) => *sum += count,
        None => counts.push((topic, count)),
    }
}
