//! The content of the documents, independent of the AsyncAPI version.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Error,
    example::example,
    is_component_name,
    message::Message,
    schemas::{Schemas, Use},
    titles::Titles,
};
use crate::{
    declare::{CODES, SchemaOf},
    docs::{
        info::{Info, Tag},
        surface::Surface,
    },
    profile::Profile,
};

/// The content of the documents.
pub(super) struct Model<'a> {
    pub(super) info: &'a Info,
    pub(super) path: &'a str,
    pub(super) groups: Vec<Group>,
    pub(super) messages: Vec<Message>,
    pub(super) schemas: Schemas,
    pub(super) tags: Vec<Tag>,
}

/// The messages of one channel, or those that belong to no channel.
pub(super) struct Group {
    pub(super) key: String,
    pub(super) title: String,
    pub(super) summary: Option<String>,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    /// The keys of its messages.
    pub(super) messages: Vec<String>,
}

impl<'a> Model<'a> {
    pub(super) fn of(surface: &'a Surface, path: &'a str) -> Result<Self, Error> {
        let mut writer = Writer {
            schemas: Schemas::of(&types(surface))?,
            codes: codes(surface),
            profile: surface.profile,
            messages: Vec::new(),
        };
        let mut groups = Vec::new();
        for channel in &surface.channels {
            groups.push(writer.channel(channel)?);
        }
        groups.push(writer.connection(surface)?);
        let Writer { mut schemas, mut messages, .. } = writer;
        check_keys(&messages)?;
        Titles::give(&mut schemas, &mut messages);
        Ok(Self { info: &surface.info, path, groups, messages, schemas, tags: tags(surface) })
    }

    pub(super) fn message(&self, key: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.key == key)
    }

    /// Returns the messages of a group except the replies.
    pub(super) fn operations<'m>(&'m self, group: &'m Group) -> impl Iterator<Item = &'m Message> {
        let replies: BTreeSet<&String> = self.messages.iter().flat_map(|message| &message.replies).collect();
        group.messages.iter().filter(move |key| !replies.contains(key)).filter_map(|key| self.message(key))
    }
}

/// Returns every type of the surface with its use.
fn types(surface: &Surface) -> Vec<(Use, SchemaOf)> {
    let mut types = Vec::new();
    for channel in &surface.channels {
        types.push((Use::Request, channel.request));
        types.extend(channel.subject.map(|subject| (Use::Sent, subject.schema)));
        types.push((Use::Sent, channel.payload));
    }
    for operation in &surface.operations {
        types.extend(operation.payload.map(|schema| (Use::Payload, schema)));
        types.extend(operation.reply_payload.map(|schema| (Use::Sent, schema)));
    }
    types.extend(surface.pushes.iter().map(|push| (Use::Sent, push.payload)));
    types
}

fn codes(surface: &Surface) -> Vec<String> {
    let mut codes: Vec<String> = CODES.iter().map(|&code| code.to_owned()).collect();
    for code in &surface.refusal_codes {
        if !codes.contains(code) {
            codes.push(code.clone());
        }
    }
    codes
}

/// Returns the tags of the service, and those that only declarations name.
fn tags(surface: &Surface) -> Vec<Tag> {
    let mut tags = surface.info.tags.clone();
    let channels = surface.channels.iter().flat_map(|channel| channel.docs.tags);
    let operations = surface.operations.iter().flat_map(|operation| operation.docs.tags);
    let pushes = surface.pushes.iter().flat_map(|push| push.docs.tags);
    for name in channels.chain(operations).chain(pushes) {
        if tags.iter().all(|tag| tag.name != *name) {
            tags.push(Tag { name: (*name).to_owned(), description: None });
        }
    }
    tags
}

fn check_keys(messages: &[Message]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for Message { key, .. } in messages {
        if !is_component_name(key) {
            return Err(Error::MessageName { key: key.clone() });
        }
        if !seen.insert(key) {
            return Err(Error::MessageCollision { key: key.clone() });
        }
    }
    Ok(())
}

/// Writes the messages of each declaration. The modules `channels` and `connection` implement it.
pub(super) struct Writer {
    pub(super) schemas: Schemas,
    /// The codes of all refusals.
    pub(super) codes: Vec<String>,
    pub(super) profile: Profile,
    pub(super) messages: Vec<Message>,
}

impl Writer {
    /// Returns the schema of a request's payload, which must be an object.
    pub(super) fn object(&mut self, used_as: Use, schema: SchemaOf, message: &str) -> Result<Value, Error> {
        let payload = self.schemas.schema(used_as, schema);
        match self.schemas.resolve(&payload).get("type") {
            Some(Value::String(kind)) if kind == "object" => Ok(payload),
            None => Ok(json!({ "type": "object", "allOf": [payload] })),
            Some(_) => Err(Error::NotAnObject { message: message.to_owned() }),
        }
    }

    /// Returns a value that a schema allows.
    pub(super) fn example(&self, schema: &Value) -> Option<Value> {
        example(schema, self.schemas.definitions())
    }

    /// Adds a message and generates an example of it.
    pub(super) fn add(&mut self, mut message: Message) {
        message.examples = self.example(&message.frame).into_iter().collect();
        self.messages.push(message);
    }

    /// Adds a message and an example without the members that the usual message lacks. They are
    /// members of the frame or of its payload.
    pub(super) fn add_usual(&mut self, unusual: &[&str], mut message: Message) {
        let mut usual = message.frame.clone();
        for name in unusual {
            for members in ["/properties", "/properties/payload/properties"] {
                let member = usual.pointer_mut(members).and_then(|members| members.get_mut(name));
                if let Some(member) = member {
                    *member = Value::Bool(false);
                }
            }
        }
        message.examples = self.example(&usual).into_iter().collect();
        self.messages.push(message);
    }

    pub(super) fn keys_from(&self, first: usize) -> Vec<String> {
        self.messages[first..].iter().map(|message| message.key.clone()).collect()
    }
}
