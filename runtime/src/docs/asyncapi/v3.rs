//! Renders the model as AsyncAPI 3.0.0.

use serde_json::{Map, Value, json};

use super::{
    message::{Direction, Message},
    model::{Group, Model},
    render::{component_messages, correlation_ids, head, info, insert, message_object, tag_names, tags, ws_binding},
};

pub(super) fn render(model: &Model<'_>) -> Value {
    let mut document = head(model, "3.0.0");
    let mut described = info(model);
    insert(&mut described, "tags", tags(&model.tags));
    document.insert("info".to_owned(), Value::Object(described));
    insert(&mut document, "servers", servers(model));
    let channels: Map<String, Value> =
        model.groups.iter().map(|group| (group.key.clone(), channel(model, group))).collect();
    document.insert("channels".to_owned(), Value::Object(channels));
    let operations: Map<String, Value> = model
        .groups
        .iter()
        .flat_map(|group| model.operations(group).map(|message| (message.key.clone(), operation(group, message))))
        .collect();
    document.insert("operations".to_owned(), Value::Object(operations));
    document.insert(
        "components".to_owned(),
        json!({
            "messages": component_messages(model, message_object),
            "schemas": model.schemas.definitions(),
            "correlationIds": correlation_ids(),
        }),
    );
    Value::Object(document)
}

/// Returns the servers, with host and protocol only: the address of a channel is the whole path.
fn servers(model: &Model<'_>) -> Option<Value> {
    let servers = model.info.servers.iter().map(|server| {
        let mut object = Map::new();
        insert(&mut object, "host", Some(&server.host));
        insert(&mut object, "protocol", Some(&server.protocol));
        insert(&mut object, "description", server.description.as_ref());
        (server.name.clone(), Value::Object(object))
    });
    let servers: Map<String, Value> = servers.collect();
    (!servers.is_empty()).then_some(Value::Object(servers))
}

fn channel(model: &Model<'_>, group: &Group) -> Value {
    let messages: Map<String, Value> = group
        .messages
        .iter()
        .map(|key| (key.clone(), json!({ "$ref": format!("#/components/messages/{key}") })))
        .collect();
    let mut object = Map::new();
    insert(&mut object, "address", Some(model.path));
    insert(&mut object, "title", Some(&group.title));
    insert(&mut object, "summary", group.summary.as_ref());
    insert(&mut object, "description", Some(&group.description).filter(|text| !text.is_empty()));
    insert(&mut object, "messages", Some(messages));
    insert(&mut object, "tags", tag_names(&group.tags));
    insert(&mut object, "bindings", Some(ws_binding()));
    Value::Object(object)
}

fn operation(group: &Group, message: &Message) -> Value {
    let channel = json!({ "$ref": format!("#/channels/{}", group.key) });
    let named = |key: &String| json!({ "$ref": format!("#/channels/{}/messages/{key}", group.key) });
    let action = match message.direction {
        Direction::FromClient => "receive",
        Direction::FromServer => "send",
    };
    let mut object = Map::new();
    insert(&mut object, "action", Some(action));
    insert(&mut object, "channel", Some(channel.clone()));
    insert(&mut object, "title", Some(&message.title));
    insert(&mut object, "summary", Some(&message.summary));
    insert(&mut object, "description", Some(&message.description).filter(|text| !text.is_empty()));
    insert(&mut object, "tags", tag_names(&message.tags));
    insert(&mut object, "messages", Some([named(&message.key)]));
    if !message.replies.is_empty() {
        let messages: Vec<Value> = message.replies.iter().map(named).collect();
        insert(&mut object, "reply", Some(json!({ "channel": channel, "messages": messages })));
    }
    Value::Object(object)
}
