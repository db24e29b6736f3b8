//! One message: its name, its direction and the schema of the whole frame.

use serde_json::{Map, Value, json};

use super::schemas::MAX_INTEGER;

/// The direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    FromClient,
    FromServer,
}

/// A message of the documents.
pub(super) struct Message {
    /// Its key among the components. Unlike the name, it is unique.
    pub(super) key: String,
    /// Its `type` on the wire.
    pub(super) name: String,
    pub(super) direction: Direction,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    /// The keys of the messages that answer it.
    pub(super) replies: Vec<String>,
    /// The schema of the whole frame.
    pub(super) frame: Value,
    /// What `x-topicast` says, on the update of a channel.
    pub(super) extension: Option<Value>,
    /// Frames that the schema allows, the usual one first; empty if none could be generated.
    pub(super) examples: Vec<Value>,
}

impl Message {
    /// Creates a message without documentation.
    pub(super) fn new(direction: Direction, name: &str, tags: &[&str], frame: Value) -> Self {
        Self {
            key: name.to_owned(),
            name: name.to_owned(),
            direction,
            title: name.to_owned(),
            summary: String::new(),
            description: String::new(),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            replies: Vec::new(),
            frame,
            extension: None,
            examples: Vec::new(),
        }
    }

    /// Returns true if the message has an `id` that a reply echoes, or is such a reply.
    pub(super) fn is_correlated(&self) -> bool {
        let answered = self.direction == Direction::FromServer || !self.replies.is_empty();
        answered && self.frame.pointer("/properties/id").is_some()
    }
}

/// Builds the schema of a frame, member by member in the protocol's order.
pub(super) struct Frame {
    direction: Direction,
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl Frame {
    pub(super) fn new(direction: Direction, name: &str) -> Self {
        let frame = Self { direction, properties: Map::new(), required: Vec::new() };
        frame.required("type", json!({ "type": "string", "const": name, "description": "The operation." }))
    }

    /// Adds the `id` of a request, or its echo.
    pub(super) fn id(self) -> Self {
        let description = match self.direction {
            Direction::FromClient => "Echoed in the reply. A string has at most 128 bytes of UTF-8.",
            Direction::FromServer => "The `id` of the request, if it has one.",
        };
        let id = json!({
            "description": description,
            "oneOf": [
                { "type": "string", "maxLength": 128 },
                { "type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER },
            ],
            "examples": [1],
        });
        self.optional("id", id)
    }

    pub(super) fn required(mut self, name: &'static str, schema: Value) -> Self {
        self.required.push(name);
        self.optional(name, schema)
    }

    pub(super) fn optional(mut self, name: &'static str, schema: Value) -> Self {
        self.properties.insert(name.to_owned(), schema);
        self
    }

    pub(super) fn payload(self, schema: Value) -> Self {
        self.required("payload", schema)
    }

    /// Adds a payload that the server ignores.
    pub(super) fn ignored_payload(self) -> Self {
        self.optional("payload", json!({ "description": "Ignored; omit it." }))
    }

    /// Returns the schema. A frame of the server has these members and no others. The server ignores
    /// unknown members in a frame of a client.
    pub(super) fn finish(self) -> Value {
        match self.direction {
            Direction::FromClient => {
                json!({ "type": "object", "required": self.required, "properties": self.properties })
            }
            Direction::FromServer => json!({
                "type": "object",
                "required": self.required,
                "properties": self.properties,
                "additionalProperties": false,
            }),
        }
    }
}

/// The payload of a server's message: an object of exactly these members, of which
/// `retry_after_ms` alone is optional.
pub(super) fn closed(members: Vec<(&str, Value)>) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).filter(|name| *name != RETRY_AFTER).collect();
    let required = json!(required);
    let properties: Map<String, Value> = members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

const RETRY_AFTER: &str = "retry_after_ms";

/// Returns the members that give the reason of a refusal.
fn reason(codes: &Value, title: &str, code: &str, message: &str, retryable: bool) -> Vec<(&'static str, Value)> {
    let why = "Whether the same request may succeed later.";
    let retry = "The number of milliseconds after which the same request may succeed.";
    vec![
        (
            "code",
            json!({
                "title": title,
                "type": "string",
                "enum": codes,
                "description": "The machine-readable reason.",
                "examples": [code],
            }),
        ),
        ("message", json!({ "type": "string", "description": "The human-readable reason.", "examples": [message] })),
        ("retryable", json!({ "type": "boolean", "description": why, "examples": [retryable] })),
        (RETRY_AFTER, json!({ "type": "integer", "minimum": 0, "description": retry, "examples": [250] })),
    ]
}

/// Returns the members that give the reason why the server ended a subscription.
pub(super) fn ending(codes: &[String]) -> Vec<(&'static str, Value)> {
    let codes: Vec<&str> = codes.iter().map(String::as_str).chain([RESET]).collect();
    reason(&json!(codes), "EndCode", RESET, "the numbering of the topic restarted", true)
}

/// The code of a subscription that ends because its topic's epoch changed.
const RESET: &str = "reset";

/// Returns the payload of a refusal, with the member that echoes the subject.
pub(super) fn refusal(codes: &[String], subject: Option<(&'static str, Value)>) -> Value {
    let mut members = vec![status("error")];
    members.extend(subject);
    members.extend(reason(&json!(codes), "RefusalCode", "rate_limited", "too many requests", true));
    closed(members)
}

/// Returns the schema that every refusal matches. A reply that could look like a refusal excludes it.
pub(super) fn any_refusal() -> Value {
    json!({
        "type": "object",
        "required": ["status", "code", "message", "retryable"],
        "properties": { "status": { "const": "error" } },
    })
}

/// Returns the member that distinguishes replies of the same type.
pub(super) fn status(value: &str) -> (&'static str, Value) {
    ("status", json!({ "type": "string", "const": value }))
}

/// Adds an example to a schema. Wraps references, because tools ignore keywords beside `$ref`.
pub(super) fn with_example(schema: Value, example: &Value) -> Value {
    let mut schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("examples".to_owned(), json!([example]));
    }
    schema
}
