//! The parts that both versions of the standard share.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{kinds::EXTENSION, message::Message, model::Model};
use crate::docs::info::Tag;

/// Adds a member if it has a value.
pub(super) fn insert(object: &mut Map<String, Value>, name: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), json!(value));
    }
}

pub(super) fn head(model: &Model<'_>, version: &str) -> Map<String, Value> {
    let mut head = Map::new();
    insert(&mut head, "asyncapi", Some(version));
    insert(&mut head, "id", model.info.id.as_ref());
    insert(&mut head, "defaultContentType", Some("application/json"));
    head
}

pub(super) fn info(model: &Model<'_>) -> Map<String, Value> {
    let mut info = Map::new();
    insert(&mut info, "title", Some(&model.info.title));
    insert(&mut info, "version", Some(&model.info.version));
    insert(&mut info, "description", model.info.description.as_ref());
    let contact = model.info.contact.as_ref().map(|contact| {
        let mut object = Map::new();
        insert(&mut object, "name", contact.name.as_ref());
        insert(&mut object, "url", contact.url.as_ref());
        insert(&mut object, "email", contact.email.as_ref());
        object
    });
    insert(&mut info, "contact", contact);
    let licence = model.info.licence.as_ref().map(|licence| {
        let mut object = Map::new();
        insert(&mut object, "name", Some(&licence.name));
        insert(&mut object, "url", licence.url.as_ref());
        object
    });
    insert(&mut info, "license", licence);
    info
}

pub(super) fn tags(tags: &[Tag]) -> Option<Value> {
    let objects = tags.iter().map(|tag| {
        let mut object = Map::new();
        insert(&mut object, "name", Some(&tag.name));
        insert(&mut object, "description", tag.description.as_ref());
        Value::Object(object)
    });
    (!tags.is_empty()).then(|| objects.collect())
}

pub(super) fn tag_names(names: &[String]) -> Option<Value> {
    (!names.is_empty()).then(|| names.iter().map(|name| json!({ "name": name })).collect())
}

/// Returns the binding that describes the handshake.
pub(super) fn ws_binding() -> Value {
    json!({ "ws": { "method": "GET", "bindingVersion": "0.1.0" } })
}

pub(super) fn correlation_ids() -> Value {
    json!({
        "id": {
            "description": "A reply has the `id` of its request.",
            "location": "$message.payload#/id",
        }
    })
}

pub(super) fn component_messages(
    model: &Model<'_>,
    write: impl Fn(&Message) -> Map<String, Value>,
) -> Map<String, Value> {
    model.messages.iter().map(|message| (message.key.clone(), Value::Object(write(message)))).collect()
}

pub(super) fn message_object(message: &Message) -> Map<String, Value> {
    let mut object = Map::new();
    insert(&mut object, "name", Some(&message.name));
    insert(&mut object, "title", Some(&message.title));
    insert(&mut object, "summary", Some(&message.summary).filter(|text| !text.is_empty()));
    insert(&mut object, "description", Some(&message.description).filter(|text| !text.is_empty()));
    insert(&mut object, "contentType", Some("application/json"));
    insert(&mut object, "tags", tag_names(&message.tags));
    insert(
        &mut object,
        "correlationId",
        message.is_correlated().then(|| json!({ "$ref": "#/components/correlationIds/id" })),
    );
    insert(&mut object, EXTENSION, message.extension.as_ref());
    insert(&mut object, "payload", Some(&message.frame));
    let examples: Vec<Value> = message.examples.iter().map(|payload| json!({ "payload": payload })).collect();
    insert(&mut object, "examples", Some(examples).filter(|examples| !examples.is_empty()));
    object
}
