//! The messages of a channel (`docs/protocol.md`, "Channels").

use serde_json::{Value, json};

use super::{
    Error,
    kinds::{Payloads, extension},
    message::{Direction, Frame, Message, closed, ending, refusal, status, with_example},
    model::{Group, Writer},
    nested,
    schemas::{Use, reference},
};
use crate::declare::{Exchange, Fragment, KindFragment, SubjectField};

/// One of the two requests of a channel, which differ in their texts only.
struct Verb {
    /// Selects the request's names from a channel's fragment.
    exchange: fn(&Fragment) -> Exchange,
    /// True for the request that starts a subscription.
    subscribes: bool,
    infinitive: &'static str,
    done: &'static str,
    description: &'static str,
    /// The order of the reply and the updates.
    order: &'static str,
}

const SUBSCRIBE: Verb = Verb {
    exchange: |fragment| fragment.subscribe,
    subscribes: true,
    infinitive: "Subscribe to",
    done: "Subscribed to",
    description: "Subscribing twice is one subscription and is answered again; clients may do so as a heartbeat.",
    order: "No update of the topic precedes it.",
};

const UNSUBSCRIBE: Verb = Verb {
    exchange: |fragment| fragment.unsubscribe,
    subscribes: false,
    infinitive: "Unsubscribe from",
    done: "Unsubscribed from",
    description: "Takes the same request as subscribing. Unsubscribing from a topic that is not subscribed is answered too.",
    order: "No update of the topic follows it.",
};

const NESTED: &str = "New clients send the flat form. Older clients may put any field of the payload into an object \
    `params` of the payload instead: `{\"a\": 1, \"params\": {\"b\": 2}}` is the same request as \
    `{\"a\": 1, \"b\": 2}`. A field in both places is a fault, and so is a `params` that is not an object.";

/// A fragment, and the example of its request, from which those of the other messages are made.
struct Channel<'a> {
    fragment: &'a Fragment,
    /// The request's example.
    request: Option<Value>,
    /// The topic of the request's example.
    topic: Option<String>,
    /// True if fields may be inside `params`.
    is_nestable: bool,
}

impl Writer {
    /// Adds the messages of a channel.
    pub(super) fn channel(&mut self, fragment: &Fragment) -> Result<Group, Error> {
        let first = self.messages.len();
        let payload = self.object(Use::Request, fragment.request, fragment.subscribe.request)?;
        let request = self.example(&payload);
        let topic = request.as_ref().and_then(|request| example_topic(fragment.route, request));
        let is_nestable = self.profile.nested_params && !fragment.fields.is_empty();
        let payload = if is_nestable { self.flat_or_nested(fragment, &payload)? } else { payload };
        let channel = Channel { fragment, request, topic, is_nestable };
        for verb in [&SUBSCRIBE, &UNSUBSCRIBE] {
            self.request(&channel, verb, payload.clone());
            self.answer(&channel, verb);
            self.refused(&channel, verb);
        }
        let Payloads { update, snapshot } = self.payloads(fragment)?;
        if let Some(snapshot) = snapshot {
            self.snapshot(&channel, snapshot);
        }
        self.update(&channel, update);
        self.unsubscribed(&channel);
        Ok(Group {
            key: fragment.route.to_owned(),
            title: fragment.type_name.to_owned(),
            summary: fragment.docs.summary.map(str::to_owned),
            description: fragment.docs.description.to_owned(),
            tags: fragment.docs.tags.iter().map(|&tag| tag.to_owned()).collect(),
            messages: self.keys_from(first),
        })
    }

    fn request(&mut self, channel: &Channel<'_>, verb: &Verb, payload: Value) {
        let Exchange { request: name, reply } = (verb.exchange)(channel.fragment);
        let mut description = verb.description.to_owned();
        if channel.is_nestable {
            description = format!("{description}\n\n{NESTED}");
        }
        let mut frame = Frame::new(Direction::FromClient, name).id();
        if verb.subscribes {
            frame = frame.start(channel.fragment.kind);
        }
        let frame = frame.payload(payload).finish();
        self.add_usual(
            &["recover", "rewind", "max_rate"],
            Message {
                summary: format!("{} {}", verb.infinitive, channel.fragment.route),
                description,
                replies: vec![reply.to_owned(), error_key(reply)],
                ..channel.message(Direction::FromClient, name, frame)
            },
        );
        let request = channel.request.as_ref().filter(|_| channel.is_nestable);
        let nested =
            request.and_then(|request| nested::example(request, channel.fragment.subject.map(|subject| subject.name)));
        if let (Some(nested), Some(message)) = (nested, self.messages.last_mut()) {
            let flat = message.examples.first().cloned();
            message.examples.extend(flat.map(|mut frame| {
                frame["payload"] = nested;
                frame
            }));
        }
    }

    /// Returns the payload of a request whose fields may be inside `params`.
    fn flat_or_nested(&mut self, fragment: &Fragment, payload: &Value) -> Result<Value, Error> {
        let name = reference(payload).unwrap_or(fragment.type_name).to_owned();
        let form = nested::form(self.schemas.resolve(payload));
        let mut flat = json!({ "allOf": [payload], "not": nested::absent() });
        let Some(form) = form else { return Ok(flat) };
        let nested = self.schemas.add(format!("{name}-Nested"), form)?;
        flat["description"] = "The flat form: all fields in one object.".into();
        Ok(json!({ "anyOf": [flat, nested] }))
    }

    fn answer(&mut self, channel: &Channel<'_>, verb: &Verb) {
        let Exchange { request, reply: name } = (verb.exchange)(channel.fragment);
        let route = channel.fragment.route;
        let said = format!("{} {}", verb.done, channel.example_subject().map_or_else(|| route.to_owned(), plain));
        let said = json!({ "type": "string", "description": "A human-readable confirmation.", "examples": [said] });
        let mut members = vec![status("ok")];
        members.extend(self.subject(channel));
        members.extend([("message", said), ("topic", channel.topic())]);
        let mut frame = Frame::new(Direction::FromServer, name).id();
        if verb.subscribes {
            frame = frame.position(channel.fragment);
        }
        let frame = frame.payload(closed(members)).finish();
        self.add_usual(
            &["recovered"],
            Message {
                title: format!("{name} (ok)"),
                summary: format!("{} {route}", verb.done),
                description: format!("The reply to `{request}`. {}", verb.order),
                ..channel.message(Direction::FromServer, name, frame)
            },
        );
    }

    fn refused(&mut self, channel: &Channel<'_>, verb: &Verb) {
        let name = (verb.exchange)(channel.fragment).reply;
        let subject = self.subject(channel);
        let payload = refusal(&self.codes, subject);
        let frame = Frame::new(Direction::FromServer, name).id().payload(payload).finish();
        self.add(Message {
            key: error_key(name),
            title: format!("{name} (error)"),
            summary: format!("Not {} {}", verb.done.to_lowercase(), channel.fragment.route),
            description: "The server refused the request. The connection stays open.".to_owned(),
            ..channel.message(Direction::FromServer, name, frame)
        });
    }

    fn snapshot(&mut self, channel: &Channel<'_>, payload: Value) {
        let name = channel.fragment.snapshot;
        let seq = "The number of the last update that the snapshot includes; 0 if there is none.";
        let frame = Frame::new(Direction::FromServer, name)
            .required("topic", channel.topic())
            .required("seq", json!({ "type": "integer", "minimum": 0, "description": seq, "examples": [0] }))
            .payload(payload)
            .finish();
        let description = match channel.fragment.kind {
            KindFragment::Events { .. } => {
                "The state of the topic, if it has one. Sent after the reply to a subscription and before any update. \
                 Subscribing again does not repeat it."
            }
            KindFragment::Latest => {
                "The current value, if there is one. Sent after the reply to a subscription and before any update. It \
                 replaces the client's value. Subscribing again does not repeat it."
            }
            KindFragment::Table { .. } => {
                "All rows; none is an empty list. Sent after the reply to a subscription and before any update, and \
                 later in place of updates that the client missed. It replaces the client's rows. Subscribing again does \
                 not repeat it."
            }
        };
        self.add(Message {
            summary: format!("State of {}", channel.fragment.route),
            description: description.to_owned(),
            ..channel.message(Direction::FromServer, name, frame)
        });
    }

    fn update(&mut self, channel: &Channel<'_>, payload: Value) {
        let Fragment { update: name, route, kind, .. } = *channel.fragment;
        let is_event = matches!(kind, KindFragment::Events { .. });
        let seq = if is_event {
            "The number of this update: the first of an epoch is 1, each later one is one more."
        } else {
            "The number of the newest change that this update includes. It is greater than the client's position."
        };
        let mut frame = Frame::new(Direction::FromServer, name)
            .required("topic", channel.topic())
            .required("seq", json!({ "type": "integer", "minimum": 1, "description": seq }));
        if is_event {
            let skipped = "How many updates of this topic were dropped for this client since the last one it received; \
                           they keep their numbers. Absent if there are none.";
            frame = frame.optional("skipped", json!({ "type": "integer", "minimum": 1, "description": skipped }));
        }
        let frame = frame.payload(payload).finish();
        let description = match kind {
            KindFragment::Events { .. } => {
                "Sent to the subscribers of exactly this topic, in the order of publication."
            }
            KindFragment::Latest => {
                "The new current value, sent to the subscribers of exactly this topic. A client that does not keep up \
                 receives the newest value."
            }
            KindFragment::Table { .. } => {
                "Rows that changed and keys of rows that were removed, sent to the subscribers of exactly this topic. A \
                 row in `set` replaces the row with the same key. A client that does not keep up receives all changes \
                 merged into one."
            }
        };
        let update = Message {
            summary: format!("Update of {route}"),
            description: description.to_owned(),
            extension: Some(extension(kind)),
            ..channel.message(Direction::FromServer, name, frame)
        };
        self.add_usual(&["skipped", "remove"], update);
    }

    fn unsubscribed(&mut self, channel: &Channel<'_>) {
        let name = channel.fragment.unsubscribed;
        let payload = closed(ending(&self.codes));
        let frame =
            Frame::new(Direction::FromServer, name).required("topic", channel.topic()).payload(payload).finish();
        self.add(Message {
            summary: format!("The server ended a subscription to {}", channel.fragment.route),
            description: "No update of the topic follows. The connection and its other subscriptions stay open."
                .to_owned(),
            ..channel.message(Direction::FromServer, name, frame)
        });
    }

    /// Returns the member of replies that echoes the subject.
    fn subject(&mut self, channel: &Channel<'_>) -> Option<(&'static str, Value)> {
        let SubjectField { name, schema } = channel.fragment.subject?;
        let schema = self.schemas.schema(Use::Sent, schema);
        Some((
            name,
            match channel.example_subject() {
                Some(value) => with_example(schema, value),
                None => schema,
            },
        ))
    }
}

impl Channel<'_> {
    fn message(&self, direction: Direction, name: &str, frame: Value) -> Message {
        Message::new(direction, name, self.fragment.docs.tags, frame)
    }

    fn topic(&self) -> Value {
        let route = self.fragment.route;
        let schema = json!({
            "type": "string",
            "pattern": format!("^{route}:\\{{"),
            "description": format!(
                "The canonical topic: `{route}:` and the request in canonical JSON (RFC 8785), null written as `\"\"`."
            ),
        });
        match &self.topic {
            Some(topic) => with_example(schema, &json!(topic)),
            None => schema,
        }
    }

    fn example_subject(&self) -> Option<&Value> {
        self.request.as_ref()?.get(self.fragment.subject?.name)
    }
}

/// Returns the key of the error reply, which has the same name as the ok reply.
fn error_key(reply: &str) -> String {
    format!("{reply}.error")
}

/// Returns the topic of a request that has all its members.
fn example_topic(route: &str, request: &Value) -> Option<String> {
    let mut request = request.clone();
    blank_nulls(&mut request);
    serde_json_canonicalizer::to_string(&request).ok().map(|params| format!("{route}:{params}"))
}

fn blank_nulls(value: &mut Value) {
    match value {
        Value::Null => *value = json!(""),
        Value::Array(items) => items.iter_mut().for_each(blank_nulls),
        Value::Object(members) => members.values_mut().for_each(blank_nulls),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns a subject in human-readable form.
fn plain(subject: &Value) -> String {
    subject.as_str().map_or_else(|| subject.to_string(), str::to_owned)
}
