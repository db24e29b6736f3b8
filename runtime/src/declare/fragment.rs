//! Fragments: the constants that describe declarations to the catalog and the documents.

use schemars::{Schema, SchemaGenerator};

/// Adds the schema of one type to a generator and returns the schema or a reference to it.
///
/// A function pointer, so that the documents do not depend on the types that they describe.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A channel as `#[ws_router]` reads it.
///
/// The expansion contains every `type` of the channel's messages as a literal. The catalog, the
/// dispatch, the frames and the documents read the literals and assemble no names themselves.
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
    pub kind: KindFragment,
    /// True if the channel implements `Serve`, and so may have a snapshot.
    pub served: bool,
    /// The schema of a subscribe or unsubscribe request.
    pub request: SchemaOf,
    /// The schema of an event, a value or a row.
    pub payload: SchemaOf,
}

/// What an update means, and what the server keeps for it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindFragment {
    Events {
        /// The updates that the server keeps for returning subscribers; `None` if it keeps none.
        history: Option<HistoryFragment>,
    },
    Latest,
    Table {
        /// The wire names of the key's members, in the order of the declaration.
        key: &'static [&'static str],
        /// True if messages carry a checksum of the table.
        checksum: bool,
    },
}

/// The limits of a history, at least one of which is given.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryFragment {
    /// The maximum number of updates.
    pub count: Option<u32>,
    /// The maximum age of an update, in milliseconds.
    pub age_ms: Option<u64>,
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

/// A plain request as `#[ws_operation]` reads it.
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

/// A message that the server sends unasked, as `#[ws_push]` reads it.
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

/// The documentation of an item, as its attribute reads it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Docs {
    /// One line, if the attribute has `summary = "…"`.
    pub summary: Option<&'static str>,
    /// The documentation comment; empty if there is none.
    pub description: &'static str,
    /// Tags for grouping in the documents.
    pub tags: &'static [&'static str],
}

impl Docs {
    /// The documentation of a faulty declaration.
    const NONE: Self = Self { summary: None, description: "", tags: &[] };
}

impl Fragment {
    /// Returns a placeholder for a faulty declaration, whose build fails in any case.
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
            kind: KindFragment::Events { history: None },
            served: false,
            request: schema_of::<()>,
            payload: schema_of::<()>,
        }
    }
}

impl OperationFragment {
    /// Returns a placeholder, as [`Fragment::faulty`] does.
    pub const fn faulty(name: &'static str) -> Self {
        Self { name, reply: None, docs: Docs::NONE, payload: None, reply_payload: None }
    }
}

impl PushFragment {
    /// Returns a placeholder, as [`Fragment::faulty`] does.
    pub const fn faulty(name: &'static str) -> Self {
        Self { name, type_name: name, docs: Docs::NONE, payload: schema_of::<()> }
    }
}

/// Creates an [`Exchange`], so that expansions need one line for it.
#[doc(hidden)]
pub const fn exchange(request: &'static str, reply: &'static str) -> Exchange {
    Exchange { request, reply }
}

/// Creates [`KindFragment::Events`], so that expansions need one line for it.
#[doc(hidden)]
pub const fn events(history: Option<HistoryFragment>) -> KindFragment {
    KindFragment::Events { history }
}

/// Creates a [`KindFragment::Table`], so that expansions need one line for it.
#[doc(hidden)]
pub const fn table(key: &'static [&'static str], checksum: bool) -> KindFragment {
    KindFragment::Table { key, checksum }
}

/// Creates a [`HistoryFragment`], so that expansions need one line for it.
#[doc(hidden)]
pub const fn history(count: Option<u32>, age_ms: Option<u64>) -> Option<HistoryFragment> {
    Some(HistoryFragment { count, age_ms })
}

/// Creates a [`SubjectField`], so that expansions need one line for it.
#[doc(hidden)]
pub const fn subject_field(name: &'static str, schema: SchemaOf) -> Option<SubjectField> {
    Some(SubjectField { name, schema })
}

/// Returns the schema of `T`. As a function it can be a [`SchemaOf`].
#[doc(hidden)]
pub fn schema_of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
