//! What a declaration says of itself: constants of plain data that all else reads.

use schemars::{Schema, SchemaGenerator};

/// Adds the schema of one type to a generator and returns (a reference to) it.
///
/// A function pointer, so that documents know nothing of the types they describe.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A channel, as `#[ws_router]` read it.
///
/// Every `type` of the channel's messages stands here as a literal of the expansion; the catalog,
/// the dispatch, the frames and the documents read it and assemble none themselves.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Fragment {
    /// The route, for example `bars`: the first part of every topic and operation.
    pub route: &'static str,
    /// The name of the Rust type that declares the channel.
    pub type_name: &'static str,
    pub subscribe: Exchange,
    pub unsubscribe: Exchange,
    pub snapshot: &'static str,
    pub update: &'static str,
    pub unsubscribed: &'static str,
    pub docs: Docs,
    /// The wire names of the request's fields, in the order of declaration.
    pub fields: &'static [&'static str],
    /// The field that replies echo; `None` for a request without fields.
    pub subject: Option<SubjectField>,
    /// Whether the channel has behaviour of its own, and so perhaps a snapshot.
    pub served: bool,
    /// The schema of a subscribe or unsubscribe request.
    pub request: SchemaOf,
    /// The schema of an update, and of a snapshot.
    pub payload: SchemaOf,
}

/// A request and its reply, by the `type` that each has on the wire.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    pub request: &'static str,
    pub reply: &'static str,
}

/// The field of a request that its replies echo.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct SubjectField {
    /// The field's wire name.
    pub name: &'static str,
    /// The schema of the field's type.
    pub schema: SchemaOf,
}

/// A plain request, as `#[ws_operation]` read it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct OperationFragment {
    /// The operation's `type`, for example `orders.place`.
    pub name: &'static str,
    /// The `type` of the reply, if there is one.
    pub reply: Option<&'static str>,
    pub docs: Docs,
    /// The schema of the payload; `None` if the payload is ignored.
    pub payload: Option<SchemaOf>,
    /// The schema of the reply's payload.
    pub reply_payload: Option<SchemaOf>,
}

/// A message that the server sends of its own accord, as `#[ws_push]` read it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct PushFragment {
    /// The message's `type`, for example `notice`.
    pub name: &'static str,
    /// The name of the Rust type that declares the push.
    pub type_name: &'static str,
    pub docs: Docs,
    /// The schema of the payload.
    pub payload: SchemaOf,
}

/// What an attribute knows of an item beyond its types.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Docs {
    /// One line, if `summary = "…"` was given.
    pub summary: Option<&'static str>,
    /// The documentation comment; empty if there is none.
    pub description: &'static str,
    /// Tags for grouping in the documents.
    pub tags: &'static [&'static str],
}

impl Docs {
    /// What is known of a faulty declaration.
    const NONE: Self = Self { summary: None, description: "", tags: &[] };
}

impl Fragment {
    /// Stands in for the fragment of a faulty declaration, whose build fails in any case.
    pub const fn faulty(route: &'static str) -> Self {
        Self {
            route,
            type_name: route,
            subscribe: exchange("", ""),
            unsubscribe: exchange("", ""),
            snapshot: "",
            update: "",
            unsubscribed: "",
            docs: Docs::NONE,
            fields: &[],
            subject: None,
            served: false,
            request: schema_of::<()>,
            payload: schema_of::<()>,
        }
    }
}

impl OperationFragment {
    /// As [`Fragment::faulty`].
    pub const fn faulty(name: &'static str) -> Self {
        Self { name, reply: None, docs: Docs::NONE, payload: None, reply_payload: None }
    }
}

impl PushFragment {
    /// As [`Fragment::faulty`].
    pub const fn faulty(name: &'static str) -> Self {
        Self { name, type_name: name, docs: Docs::NONE, payload: schema_of::<()> }
    }
}

/// An [`Exchange`] in one line of an expansion.
#[doc(hidden)]
pub const fn exchange(request: &'static str, reply: &'static str) -> Exchange {
    Exchange { request, reply }
}

/// A [`SubjectField`] in one line of an expansion.
#[doc(hidden)]
pub const fn subject_field(name: &'static str, schema: SchemaOf) -> Option<SubjectField> {
    Some(SubjectField { name, schema })
}

/// The schema of `T` as a function that can be pointed at.
#[doc(hidden)]
pub fn schema_of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
