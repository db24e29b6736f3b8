//! The client's positions and tables, which follow from the messages that a test has taken.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::declare::{RowKey, row_checksum};

/// What the client has of each topic that it subscribed to.
#[derive(Debug, Default)]
pub(super) struct Followed(HashMap<String, Topic>);

#[derive(Debug, Default)]
struct Topic {
    epoch: String,
    /// Absent until an announced snapshot arrives.
    position: Option<u64>,
    /// The payloads of the last snapshot and of the updates after it.
    payloads: Vec<Value>,
}

impl Followed {
    /// Takes a message into account.
    pub(super) fn take(&mut self, message: &Value) {
        let kind = message["type"].as_str().unwrap_or_default();
        let seq = message["seq"].as_u64();
        if kind.ends_with(".subscribe.response")
            && let (Some(name), Some(epoch)) = (message["payload"]["topic"].as_str(), message["epoch"].as_str())
        {
            let topic = self.0.entry(name.to_owned()).or_default();
            // A repeated subscribe and a recovery leave the position as it is.
            if topic.epoch != epoch || message["recovered"] == false {
                let position = if message["snapshot"] == true { None } else { seq };
                *topic = Topic { epoch: epoch.to_owned(), position, payloads: Vec::new() };
            }
        } else if kind.ends_with(".unsubscribe.response")
            && let Some(name) = message["payload"]["topic"].as_str()
        {
            self.0.remove(name);
        } else if let Some(topic) = message["topic"].as_str().and_then(|name| self.0.get_mut(name)) {
            if kind.ends_with(".snapshot") {
                topic.payloads.clear();
            }
            if kind.ends_with(".snapshot") || kind.ends_with(".update") {
                topic.position = seq;
                topic.payloads.push(message["payload"].clone());
            }
        }
    }

    /// Returns the epoch and the number of the last update or snapshot of a topic.
    pub(super) fn position(&self, topic: &str) -> Option<(&str, u64)> {
        let topic = self.0.get(topic)?;
        topic.position.map(|position| (topic.epoch.as_str(), position))
    }

    /// Returns the rows of a table in the order of their keys.
    ///
    /// # Errors
    /// What is wrong with a message: a row without a key, or a wrong checksum.
    pub(super) fn rows(&self, topic: &str, key: &[&str]) -> Result<Vec<Value>, String> {
        let mut rows = BTreeMap::new();
        for payload in self.0.get(topic).into_iter().flat_map(|topic| &topic.payloads) {
            let list = |member: &str| payload[member].as_array().into_iter().flatten();
            let key_of = |row: &Value| {
                let object = row.as_object().ok_or_else(|| format!("{row} is not an object"))?;
                RowKey::from_object(key, object).map_err(|error| format!("{row}: {error}"))
            };
            for row in list("set") {
                rows.insert(key_of(row)?, row.clone());
            }
            for removed in list("remove") {
                rows.remove(&key_of(removed)?);
            }
            if let Some(expected) = payload["checksum"].as_u64() {
                let mut sum = 0_u32;
                for row in rows.values() {
                    let checksum =
                        row_checksum(row.to_string().as_bytes()).map_err(|error| format!("{row}: {error}"))?;
                    sum = sum.wrapping_add(checksum);
                }
                if u64::from(sum) != expected {
                    return Err(format!("the checksum is {sum} after {payload}"));
                }
            }
        }
        Ok(rows.into_values().collect())
    }
}
