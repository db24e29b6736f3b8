//! Renders the model as AsyncAPI 2.4.0, where `publish` lists the messages of clients.

use serde_json::{Map, Value, json};

use super::{
    message::{Direction, Message},
    model::Model,
    render::{component_messages, correlation_ids, head, info, insert, message_object, tags, ws_binding},
};

pub(super) fn render(model: &Model<'_>) -> Value {
    let mut document = head(model, "2.4.0");
    document.insert("info".to_owned(), Value::Object(info(model)));
    insert(&mut document, "tags", tags(&model.tags));
    insert(&mut document, "servers", servers(model));
    document.insert("channels".to_owned(), json!({ model.path: channel(model) }));
    document.insert(
        "components".to_owned(),
        json!({
            "messages": component_messages(model, identified),
            "schemas": model.schemas.definitions(),
            "correlationIds": correlation_ids(),
        }),
    );
    Value::Object(document)
}

fn servers(model: &Model<'_>) -> Option<Value> {
    let servers = model.info.servers.iter().map(|server| {
        let mut object = Map::new();
        insert(&mut object, "url", Some(format!("{}://{}", server.protocol, server.host)));
        insert(&mut object, "protocol", Some(&server.protocol));
        insert(&mut object, "description", server.description.as_ref());
        (server.name.clone(), Value::Object(object))
    });
    let servers: Map<String, Value> = servers.collect();
    (!servers.is_empty()).then_some(Value::Object(servers))
}

/// Returns the only channel: 2.4.0 allows one channel for each address.
fn channel(model: &Model<'_>) -> Value {
    let description: Vec<String> = model
        .groups
        .iter()
        .map(|group| [format!("### {}", group.title), group.description.clone()].join("\n\n").trim_end().to_owned())
        .collect();
    json!({
        "description": description.join("\n\n"),
        "bindings": ws_binding(),
        "publish": {
            "operationId": "fromClient",
            "summary": "Messages that a client sends.",
            "message": one_of(model, Direction::FromClient),
        },
        "subscribe": {
            "operationId": "fromServer",
            "summary": "Messages that the server sends.",
            "message": one_of(model, Direction::FromServer),
        },
    })
}

fn one_of(model: &Model<'_>, direction: Direction) -> Value {
    let messages = model.messages.iter().filter(|message| message.direction == direction);
    json!({ "oneOf": messages.map(|message| refer(&message.key)).collect::<Vec<_>>() })
}

fn refer(key: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/{key}") })
}

fn identified(message: &Message) -> Map<String, Value> {
    let mut object = Map::new();
    insert(&mut object, "messageId", Some(&message.key));
    object.extend(message_object(message));
    // Names instead of references: the parser replaces a reference with the whole message, and
    // tools, which render the value of an extension as it is, follow such messages endlessly.
    insert(&mut object, "x-response", Some(&message.replies).filter(|replies| !replies.is_empty()));
    object
}
