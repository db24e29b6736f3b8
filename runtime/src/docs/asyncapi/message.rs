//! One message: its name, which way it goes, and the schema of the whole frame.

use serde_json::{Map, Value, json};

use super::schemas::MAX_INTEGER;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    FromClient,
    FromServer,
}

/// A message of the documents.
pub(super) struct Message {
    /// Its key among the components; unlike the name, no two messages share it.
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
    /// Frames that the schema allows, the usual one first; empty if none could be made up.
    pub(super) examples: Vec<Value>,
}

impl Message {
    /// A message about which nothing is said yet.
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
            examples: Vec::new(),
        }
    }

    /// Whether it has an `id` that is echoed or that a reply echoes.
    pub(super) fn is_correlated(&self) -> bool {
        let answered = self.direction == Direction::FromServer || !self.replies.is_empty();
        answered && self.frame.pointer("/properties/id").is_some()
    }
}

/// Builds the schema of a frame, member by member in the contract's order.
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

    /// The `id` of a request, or its echo.
    pub(super) fn id(self) -> Self {
        let description = match self.direction {
            Direction::FromClient => "Echoed on the reply. A string has at most 128 bytes of UTF-8.",
            Direction::FromServer => "The request's, if it had one.",
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

    /// A payload that nobody reads.
    pub(super) fn ignored_payload(self) -> Self {
        self.optional("payload", json!({ "description": "Ignored; leave it out." }))
    }

    /// The schema. What a server sends has these members and no others; of what a client
    /// sends, unknown members are ignored.
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

/// The members that say why not.
pub(super) fn reason(codes: &[String], code: &str, message: &str, retryable: bool) -> Vec<(&'static str, Value)> {
    let why = "Whether the same request may succeed later.";
    vec![
        (
            "code",
            json!({
                "title": "RefusalCode",
                "type": "string",
                "enum": codes,
                "description": "Why, for programs.",
                "examples": [code],
            }),
        ),
        ("message", json!({ "type": "string", "description": "Why, for people.", "examples": [message] })),
        ("retryable", json!({ "type": "boolean", "description": why, "examples": [retryable] })),
    ]
}

/// The payload of a reply that refuses, with the member that says what was asked about.
pub(super) fn refusal(codes: &[String], subject: Option<(&'static str, Value)>) -> Value {
    let retry = "In how many milliseconds the same request may succeed.";
    let mut members = vec![status("error")];
    members.extend(subject);
    members.extend(reason(codes, "rate_limited", "too many requests", true));
    members.push((RETRY_AFTER, json!({ "type": "integer", "minimum": 0, "description": retry, "examples": [250] })));
    closed(members)
}

/// What every refusal is at least; a reply that might be taken for one excludes it.
pub(super) fn any_refusal() -> Value {
    json!({
        "type": "object",
        "required": ["status", "code", "message", "retryable"],
        "properties": { "status": { "const": "error" } },
    })
}

/// The member that tells replies of one type apart.
pub(super) fn status(value: &str) -> (&'static str, Value) {
    ("status", json!({ "type": "string", "const": value }))
}

/// A schema with an example of its own; keywords beside a reference would be ignored.
pub(super) fn with_example(schema: Value, example: &Value) -> Value {
    let mut schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("examples".to_owned(), json!([example]));
    }
    schema
}
