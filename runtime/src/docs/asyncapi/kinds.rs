//! What the kind of a channel adds to its messages (`docs/protocol.md`, "Channel kinds").

use serde_json::{Map, Value, json};

use super::{
    Error,
    message::Frame,
    model::Writer,
    schemas::{MAX_INTEGER, Use},
};
use crate::declare::{Fragment, KindFragment, row_checksum};

/// The extension of the update message that describes the channel's kind.
pub(super) const EXTENSION: &str = "x-topicast";

/// The payloads of the messages that carry a channel's data.
pub(super) struct Payloads {
    pub(super) update: Value,
    /// `None` if the server never sends a snapshot.
    pub(super) snapshot: Option<Value>,
}

/// Returns the description of a kind that clients read.
pub(super) fn extension(kind: KindFragment) -> Value {
    match kind {
        KindFragment::Events { history: None } => json!({ "kind": "events" }),
        KindFragment::Events { history: Some(limits) } => {
            let mut history = Map::new();
            history.extend(limits.count.map(|count| ("count".to_owned(), count.into())));
            history.extend(limits.age_ms.map(|age| ("age_ms".to_owned(), age.into())));
            json!({ "kind": "events", "history": history })
        }
        KindFragment::Latest => json!({ "kind": "latest" }),
        KindFragment::Table { key, checksum: false } => json!({ "kind": "table", "key": key }),
        KindFragment::Table { key, checksum: true } => json!({ "kind": "table", "key": key, "checksum": true }),
    }
}

impl Writer {
    /// Returns the payloads of a channel's updates and snapshots.
    pub(super) fn payloads(&mut self, fragment: &Fragment) -> Result<Payloads, Error> {
        let item = self.schemas.schema(Use::Sent, fragment.payload);
        Ok(match fragment.kind {
            KindFragment::Events { .. } => Payloads { update: item.clone(), snapshot: fragment.served.then_some(item) },
            KindFragment::Latest => Payloads { update: item.clone(), snapshot: Some(item) },
            KindFragment::Table { key, checksum } => {
                let name = format!("{}-Key", fragment.type_name);
                let key = self.key(&item, key);
                let key = self.schemas.add(name, key)?;
                let sum = self.example(&item).and_then(|row| row_checksum(row.to_string().as_bytes()).ok());
                let sum = checksum.then(|| checksum_of(sum));
                Payloads { update: change(&item, &key, sum.clone()), snapshot: Some(rows(&item, sum)) }
            }
        })
    }

    /// Returns the schema of a key: an object of the members' schemas in the row.
    fn key(&self, row: &Value, names: &[&str]) -> Value {
        let member = |name: &&str| {
            let mut schema = self.schemas.resolve(row)["properties"].get(name).cloned().unwrap_or(Value::Bool(true));
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("default");
            }
            ((*name).to_owned(), schema)
        };
        let members: Map<String, Value> = names.iter().map(member).collect();
        json!({
            "type": "object",
            "description": "The key of a row.",
            "required": names,
            "properties": members,
            "additionalProperties": false,
        })
    }
}

/// Returns the payload of a table's snapshot.
fn rows(row: &Value, checksum: Option<Value>) -> Value {
    let set = json!({ "type": "array", "items": row, "description": "All rows in the order of their keys." });
    table(json!({ "set": set }), &["set"], checksum)
}

/// Returns the payload of a table's update.
fn change(row: &Value, key: &Value, checksum: Option<Value>) -> Value {
    let set = json!({
        "type": "array",
        "items": row,
        "minItems": 1,
        "description": "The rows that were added or changed, each as a whole. Absent if there are none.",
    });
    let remove = json!({
        "type": "array",
        "items": key,
        "minItems": 1,
        "description": "The keys of the rows that were removed. Absent if there are none.",
    });
    // A change of nothing is not sent.
    let least = if checksum.is_some() { 2 } else { 1 };
    let mut payload = table(json!({ "set": set, "remove": remove }), &[], checksum);
    payload["minProperties"] = least.into();
    payload
}

/// Returns an object of these members and of the checksum, which is required if it is declared.
fn table(mut members: Value, required: &[&str], checksum: Option<Value>) -> Value {
    let mut required = required.to_vec();
    if let Some(checksum) = checksum {
        members["checksum"] = checksum;
        required.push("checksum");
    }
    let mut table = json!({ "type": "object", "properties": members, "additionalProperties": false });
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

/// Returns the schema of a checksum, whose example is the checksum of one row.
fn checksum_of(example: Option<u32>) -> Value {
    json!({
        "type": "integer",
        "minimum": 0,
        "maximum": u32::MAX,
        "description": "The table after this message: the sum modulo 2^32 of the CRC-32 (IEEE 802.3) of each row's \
                        canonical JSON (RFC 8785) in UTF-8.",
        "examples": [example.unwrap_or_default()],
    })
}

impl Frame {
    /// Adds the members of a subscribe that say how the subscription starts.
    pub(super) fn start(self, kind: KindFragment) -> Self {
        let recover = "The client's position: the last reply, snapshot or update that it processed. The server sends \
                       what followed, or answers that it cannot. Null counts as absent. Ignored if the topic is \
                       subscribed already.";
        let epoch = "The `epoch` of the reply to the earlier subscription.";
        let frame = self.optional(
            "recover",
            json!({
                "title": "RecoverPosition",
                "type": ["object", "null"],
                "description": recover,
                "required": ["epoch", "seq"],
                "properties": {
                    "epoch": { "type": "string", "description": epoch, "examples": ["7f9c24e8"] },
                    "seq": {
                        "type": "integer", "minimum": 0, "maximum": MAX_INTEGER,
                        "description": "The number of the position.", "examples": [41],
                    },
                },
            }),
        );
        match kind {
            KindFragment::Events { history: None } => frame,
            KindFragment::Events { history: Some(_) } => {
                let rewind = "Start with up to this many past updates, which follow the reply as ordinary updates. \
                              Null counts as absent. Ignored if the topic is subscribed already.";
                frame.optional(
                    "rewind",
                    json!({
                        "type": ["integer", "null"], "minimum": 1, "maximum": 1000, "description": rewind,
                        "examples": [100],
                    }),
                )
            }
            KindFragment::Latest | KindFragment::Table { .. } => {
                let max_rate = "The maximum number of updates per second on this subscription; updates in between are \
                                merged. Null counts as absent.";
                frame.optional(
                    "max_rate",
                    json!({
                        "type": ["number", "null"], "minimum": 0.1, "maximum": 1000, "description": max_rate,
                        "examples": [10],
                    }),
                )
            }
        }
    }

    /// Adds the members of an ok reply to subscribe.
    pub(super) fn position(self, fragment: &Fragment) -> Self {
        let epoch = "Changes whenever the numbering of this topic restarts.";
        let seq = "The number of the last update before those that follow; 0 if there is none in this epoch.";
        let recovered = "Present if the request has `recover`. If true, `epoch` and `seq` are the client's, and \
                         everything after them follows. If false, the client's state is obsolete, and this is the reply \
                         to a new subscription.";
        let frame = self
            .required("epoch", json!({ "type": "string", "description": epoch, "examples": ["7f9c24e8"] }))
            .required("seq", json!({ "type": "integer", "minimum": 0, "description": seq, "examples": [0] }))
            .optional("recovered", json!({ "type": "boolean", "description": recovered }));
        if matches!(fragment.kind, KindFragment::Events { .. }) && !fragment.served {
            return frame;
        }
        let snapshot = format!(
            "True if `{}` follows; the client has no position until then. Absent otherwise.",
            fragment.snapshot
        );
        frame.optional("snapshot", json!({ "type": "boolean", "const": true, "description": snapshot }))
    }
}
