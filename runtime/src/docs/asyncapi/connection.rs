//! The messages that belong to no channel: plain operations, pushes, `ping` and faults.

use serde_json::{Value, json};

use super::{
    Error,
    message::{Direction, Frame, Message, any_refusal, closed, refusal, status},
    model::{Group, Writer},
    schemas::Use,
};
use crate::{
    call::PING,
    declare::{Exchange, OperationFragment, PushFragment},
    docs::info::Surface,
    profile::{Faults, Profile},
};

/// The key of the group. Routes have no underscores, so no channel has the same key.
const CONNECTION: &str = "ws_connection";

/// 2024-08-08T09:30:00Z, for examples.
const EXAMPLE_TIME: u64 = 1_723_109_400_000;

impl Writer {
    /// Adds the messages that belong to no channel.
    pub(super) fn connection(&mut self, surface: &Surface) -> Result<Group, Error> {
        let first = self.messages.len();
        for operation in &surface.operations {
            self.operation(operation)?;
        }
        for push in &surface.pushes {
            self.push(push);
        }
        self.ping();
        if self.profile.faults == Faults::Reply {
            self.fault();
        }
        Ok(Group {
            key: CONNECTION.to_owned(),
            title: "Connection".to_owned(),
            summary: Some("Messages of the connection, which belong to no topic".to_owned()),
            description: description(self.profile),
            tags: Vec::new(),
            messages: self.keys_from(first),
        })
    }

    fn operation(&mut self, operation: &OperationFragment) -> Result<(), Error> {
        let name = operation.name;
        let frame = Frame::new(Direction::FromClient, name).id();
        let frame = match operation.payload {
            Some(schema) => frame.payload(self.object(Use::Payload, schema, name)?),
            None => frame.ignored_payload(),
        };
        let reply = operation.reply;
        self.add(Message {
            summary: summary(operation.docs.summary, operation.docs.description, name),
            description: operation.docs.description.to_owned(),
            replies: reply.map_or_else(Vec::new, |reply| vec![reply.to_owned(), format!("{reply}.error")]),
            ..Message::new(Direction::FromClient, name, operation.docs.tags, frame.finish())
        });
        if let Some(reply) = reply {
            self.reply(operation, reply);
        }
        Ok(())
    }

    fn reply(&mut self, operation: &OperationFragment, reply: &str) {
        let payload =
            operation.reply_payload.map_or_else(|| json!({ "type": "null" }), |it| self.schemas.schema(Use::Sent, it));
        let payload =
            if self.may_be_a_refusal(&payload) { json!({ "allOf": [payload], "not": any_refusal() }) } else { payload };
        let frame = Frame::new(Direction::FromServer, reply).id().payload(payload).finish();
        self.add(Message {
            title: format!("{reply} (ok)"),
            summary: format!("Reply to {}", operation.name),
            description: format!("The reply to `{}`.", operation.name),
            ..Message::new(Direction::FromServer, reply, operation.docs.tags, frame)
        });
        let frame = Frame::new(Direction::FromServer, reply).id().payload(refusal(&self.codes, None)).finish();
        self.add(Message {
            key: format!("{reply}.error"),
            title: format!("{reply} (error)"),
            summary: format!("Refusal of {}", operation.name),
            description: "The server refused the request. The connection stays open.".to_owned(),
            ..Message::new(Direction::FromServer, reply, operation.docs.tags, frame)
        });
    }

    /// Returns true if a reply of this schema could look like a refusal. A reply that requires a
    /// member which refusals lack cannot.
    fn may_be_a_refusal(&self, payload: &Value) -> bool {
        let schema = self.schemas.resolve(payload);
        let other_type = schema.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "object");
        let refusal = ["status", "code", "message", "retryable", "retry_after_ms"];
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        !other_type && required.filter_map(Value::as_str).all(|name| refusal.contains(&name))
    }

    fn push(&mut self, push: &PushFragment) {
        let payload = self.schemas.schema(Use::Sent, push.payload);
        let frame = Frame::new(Direction::FromServer, push.name).payload(payload).finish();
        self.add(Message {
            summary: summary(push.docs.summary, push.docs.description, push.name),
            description: push.docs.description.to_owned(),
            ..Message::new(Direction::FromServer, push.name, push.docs.tags, frame)
        });
    }

    fn ping(&mut self) {
        let Exchange { request: name, reply } = PING;
        let frame = Frame::new(Direction::FromClient, name).id().ignored_payload().finish();
        self.add(Message {
            summary: "Check that the server is reachable".to_owned(),
            description: "Keeps the connection alive, as any message does.".to_owned(),
            replies: vec![reply.to_owned()],
            ..Message::new(Direction::FromClient, name, &[], frame)
        });
        let time = json!({
            "type": "integer",
            "minimum": 0,
            "description": "The server's clock: milliseconds since 1970-01-01T00:00:00Z.",
            "examples": [EXAMPLE_TIME],
        });
        let frame = Frame::new(Direction::FromServer, reply).id().payload(closed(vec![("time", time)])).finish();
        self.add(Message {
            summary: "The server is reachable".to_owned(),
            description: "The reply to `ping`.".to_owned(),
            ..Message::new(Direction::FromServer, reply, &[], frame)
        });
    }

    /// Adds the message that answers a fault of form.
    fn fault(&mut self) {
        let members = vec![
            status("error"),
            (
                "code",
                json!({
                    "title": "FaultCode",
                    "type": "string",
                    "enum": ["invalid", "unknown_type"],
                    "description": "The machine-readable reason.",
                }),
            ),
            (
                "message",
                json!({
                    "type": "string",
                    "description": "What was wrong, where, and what is allowed.",
                    "examples": ["type is missing; a string is expected"],
                }),
            ),
            ("retryable", json!({ "type": "boolean", "const": false })),
        ];
        let frame = Frame::new(Direction::FromServer, "error").id().payload(closed(members)).finish();
        self.add(Message {
            summary: "A message has a fault of form".to_owned(),
            description:
                "The client sent a message with a fault of form. Sending it again fails again. The connection stays \
                          open; it is closed with 1008 after 16 faults in a row."
                    .to_owned(),
            ..Message::new(Direction::FromServer, "error", &[], frame)
        });
    }
}

/// Returns the given summary, or the first line of the description, or else the name.
fn summary(given: Option<&str>, description: &str, name: &str) -> String {
    let first =
        description.lines().next().map(|line| line.trim().trim_end_matches('.')).filter(|line| !line.is_empty());
    given.or(first).unwrap_or(name).to_owned()
}

fn description(profile: Profile) -> String {
    let faults = match profile.faults {
        Faults::Reply => {
            "A message with a fault of form is answered with `error`; after 16 in a row the connection is closed with 1008."
        }
        Faults::Close => {
            "A message with a fault of form closes the connection with 1003 and the reason `Could not validate payload`; \
             a `type` that a client may not send, with 1003 and `No matching type`. Clients must not repeat such a message."
        }
    };
    let pings = if profile.server_pings {
        " The server sends WebSocket pings at half that interval, which client libraries answer automatically."
    } else {
        " The server sends no WebSocket pings: clients send `ping`, or subscribe again."
    };
    format!(
        "Each text frame is one JSON object. Nothing is sent on connect.\n\n{faults}\n\nA connection on which nothing \
         arrives for the heartbeat interval, or which is older than its lifespan, is closed with 1003 and a reason that \
         begins `Connection timed out.`; clients reconnect after it.{pings}\n\nOther codes: 1001 the server is going away, 1007 not \
         UTF-8, 1008 policy, 1009 message too big, 1011 the server failed, 1013 the client reads too slowly."
    )
}
