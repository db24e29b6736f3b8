//! What a declaration says of itself: plain data, the source of every document.

use schemars::{Schema, SchemaGenerator};

/// Adds the schema of one type to a generator and returns (a reference to) it.
///
/// A function pointer, so that documents know nothing of the types they describe.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A channel, as `#[ws_router]` read it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ChannelDeclaration {
    /// The route, for example `bars`: the first part of every topic and operation.
    pub route: &'static str,
    /// The name of the Rust type that declares the channel.
    pub type_name: &'static str,
    /// One line, if `summary = "…"` was given.
    pub summary: Option<&'static str>,
    /// The documentation comment of the type; empty if there is none.
    pub description: &'static str,
    /// Tags for grouping in the documents.
    pub tags: &'static [&'static str],
    /// The wire name of the field that replies echo; `None` for a request without fields.
    pub subject: Option<&'static str>,
    /// The wire names of the request's fields, in the order of declaration.
    pub fields: &'static [&'static str],
    /// Whether the channel has behaviour of its own, and so perhaps a snapshot.
    pub served: bool,
    /// The schema of a subscribe or unsubscribe request.
    pub request: SchemaOf,
    /// The schema of the subject field's type.
    pub subject_schema: Option<SchemaOf>,
    /// The schema of an update, and of a snapshot.
    pub update: SchemaOf,
}

/// A plain request, as `#[ws_operation]` read it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct OperationDeclaration {
    /// The operation's `type`, for example `orders.place`.
    pub name: &'static str,
    /// The `type` of the reply, if there is one.
    pub reply_name: Option<&'static str>,
    /// One line, if `summary = "…"` was given.
    pub summary: Option<&'static str>,
    /// The documentation comment of the function.
    pub description: &'static str,
    /// Tags for grouping in the documents.
    pub tags: &'static [&'static str],
    /// The schema of the payload; `None` if the payload is ignored.
    pub payload: Option<SchemaOf>,
    /// The schema of the reply's payload.
    pub reply: Option<SchemaOf>,
}

/// A message that the server sends of its own accord, as `#[ws_push]` read it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PushDeclaration {
    /// The message's `type`, for example `notice`.
    pub name: &'static str,
    /// The name of the Rust type that declares the push.
    pub type_name: &'static str,
    /// One line, if `summary = "…"` was given.
    pub summary: Option<&'static str>,
    /// The documentation comment of the type.
    pub description: &'static str,
    /// Tags for grouping in the documents.
    pub tags: &'static [&'static str],
    /// The schema of the payload.
    pub payload: SchemaOf,
}

/// What an attribute knows of an item beyond its types.
///
/// The expansions build it, and so it has a constructor for each kind of item
/// rather than public literals: fields can be added without breaking them.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Docs {
    pub summary: Option<&'static str>,
    pub description: &'static str,
    pub tags: &'static [&'static str],
}

impl ChannelDeclaration {
    #[doc(hidden)]
    pub fn of<C: crate::Channel>(
        type_name: &'static str,
        docs: Docs,
        fields: &'static [&'static str],
        served: bool,
    ) -> Self {
        let subject = C::subject_field();
        Self {
            route: C::ROUTE,
            type_name,
            summary: docs.summary,
            description: docs.description,
            tags: docs.tags,
            subject: subject.map(|(name, _)| name),
            fields,
            served,
            request: schema_of::<C>,
            subject_schema: subject.map(|(_, schema)| schema),
            update: schema_of::<C::Update>,
        }
    }
}

impl PushDeclaration {
    #[doc(hidden)]
    pub fn of<P: crate::Push>(type_name: &'static str, docs: Docs) -> Self {
        Self {
            name: P::NAME,
            type_name,
            summary: docs.summary,
            description: docs.description,
            tags: docs.tags,
            payload: schema_of::<P>,
        }
    }
}

/// The schema of `T` as a function that can be pointed at.
#[doc(hidden)]
pub fn schema_of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
