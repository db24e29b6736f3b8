//! Validates messages against the AsyncAPI 3.0 document that describes them.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

/// The direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a client to the server.
    FromClient,
    /// From the server to a client.
    FromServer,
}

/// The messages of a document, each as a validator of the whole frame.
#[derive(Debug)]
pub struct Messages {
    /// The direction and the validator of each message, by its key among the components.
    messages: BTreeMap<String, (Direction, Validator)>,
}

impl Messages {
    /// Reads an AsyncAPI 3.0 document.
    ///
    /// # Panics
    /// When a reference cannot be resolved, a schema is invalid, or a message is part of no
    /// operation.
    pub fn from_v3(document: &Value) -> Self {
        let mut messages = BTreeMap::new();
        for (operation, body) in members(document, "/operations") {
            let (asked, answered) = match body["action"].as_str() {
                Some("receive") => (Direction::FromClient, Direction::FromServer),
                Some("send") => (Direction::FromServer, Direction::FromClient),
                action => panic!("operation `{operation}` has the action {action:?}"),
            };
            for (list, direction) in [("/messages", asked), ("/reply/messages", answered)] {
                for reference in body.pointer(list).and_then(Value::as_array).into_iter().flatten() {
                    let pointer = follow(document, target(reference));
                    let key = pointer.rsplit('/').next().unwrap_or_default().to_owned();
                    messages.insert(key, (direction, validator(document, &pointer)));
                }
            }
        }
        for (key, _) in members(document, "/components/messages") {
            assert!(messages.contains_key(key), "message `{key}` is part of no operation");
        }
        Self { messages }
    }

    /// Returns the keys of the messages of a direction that match a frame.
    pub fn matching(&self, direction: Direction, message: &Value) -> Vec<String> {
        let described = |(own, validator): &(Direction, Validator)| *own == direction && validator.is_valid(message);
        self.messages.iter().filter(|(_, entry)| described(entry)).map(|(key, _)| key.clone()).collect()
    }

    /// Returns the keys of all messages.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.messages.keys().map(String::as_str)
    }
}

fn members<'a>(document: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    document.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn target(reference: &Value) -> &str {
    reference["$ref"].as_str().and_then(|target| target.strip_prefix('#')).expect("a reference inside the document")
}

/// Returns the pointer at which a chain of references ends.
fn follow(document: &Value, pointer: &str) -> String {
    let found = document.pointer(pointer).unwrap_or_else(|| panic!("the reference `#{pointer}` leads nowhere"));
    if found.get("$ref").is_some() { follow(document, target(found)) } else { pointer.to_owned() }
}

fn validator(document: &Value, pointer: &str) -> Validator {
    // The document's components are beside the schema, where its references expect them.
    let payload = document.pointer(pointer).and_then(|message| message.get("payload"));
    let payload = payload.unwrap_or_else(|| panic!("message `#{pointer}` has no payload"));
    let schema = json!({ "allOf": [payload], "components": document["components"] });
    jsonschema::draft7::new(&schema).unwrap_or_else(|error| panic!("the schema of `#{pointer}`: {error}"))
}
