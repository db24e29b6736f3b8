//! Titles for schemas without a name, which code generators would otherwise number.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    message::Message,
    schemas::{Schemas, has_type, reference},
};

/// The titles of a document, each given once.
pub(super) struct Titles {
    given: BTreeSet<String>,
}

impl Titles {
    /// Gives a title to every object and every choice of objects that has none. A named schema gets
    /// its name; any other gets a name made of its place.
    pub(super) fn give(schemas: &mut Schemas, messages: &mut [Message]) {
        let mut titles = Self { given: BTreeSet::new() };
        // The types of the application keep their names; the schemas inside them come second.
        for (name, schema) in schemas.definitions_mut() {
            titles.entitle(schema, &pascal_case(name));
        }
        for (name, schema) in schemas.definitions_mut() {
            titles.inside(schema, &pascal_case(name));
        }
        for Message { key, frame, .. } in messages {
            let name = pascal_case(key);
            titles.entitle(frame, &format!("{name}Message"));
            titles.inside(frame, &name);
        }
    }

    fn name(&mut self, schema: &mut Value, name: &str) {
        if reference(schema).is_none() {
            self.entitle(schema, name);
            self.inside(schema, name);
        }
    }

    fn entitle(&mut self, schema: &mut Value, name: &str) {
        // A schema that only describes a named type, or excludes values of it, is still that type.
        let same = only_part(schema).and_then(reference).map(pascal_case);
        if same.is_none() && !becomes_a_type(schema) {
            return;
        }
        let Some(schema) = schema.as_object_mut().filter(|schema| !schema.contains_key("title")) else { return };
        if let Some(same) = same {
            schema.shift_insert(0, "title".to_owned(), same.into());
            return;
        }
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let title = std::iter::once(name.to_owned()).chain(numbered).find(|title| !self.given.contains(title));
        if let Some(title) = title {
            self.given.insert(title.clone());
            schema.shift_insert(0, "title".to_owned(), title.into());
        }
    }

    fn inside(&mut self, schema: &mut Value, name: &str) {
        let Some(schema) = schema.as_object_mut() else { return };
        for (keyword, value) in schema {
            match (keyword.as_str(), value) {
                ("properties", Value::Object(members)) => {
                    for (member, schema) in members {
                        self.name(schema, &format!("{name}{}", pascal_case(member)));
                    }
                }
                ("items", Value::Array(items)) => {
                    for (at, item) in items.iter_mut().enumerate() {
                        self.name(item, &format!("{name}Item{}", at + 1));
                    }
                }
                ("items", item) => self.name(item, &format!("{name}Item")),
                ("additionalProperties", value) => self.name(value, &format!("{name}Value")),
                ("anyOf" | "oneOf" | "allOf", Value::Array(parts)) => {
                    for (at, part) in parts.iter_mut().enumerate() {
                        let variant = variant(part).unwrap_or_else(|| format!("Variant{}", at + 1));
                        self.name(part, &format!("{name}{variant}"));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Returns true if a code generator makes a type of a schema: an object, an enumeration, or a
/// choice among them.
fn becomes_a_type(schema: &Value) -> bool {
    let parts = |keyword: &str| schema.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_one = |part: &Value| reference(part).is_some() || part.get("const").is_some() || becomes_a_type(part);
    let is_choice = |parts: &[Value]| {
        let others: Vec<&Value> = parts.iter().filter(|part| !has_type(part, "null")).collect();
        others.len() > 1 && others.into_iter().any(is_one)
    };
    has_type(schema, "object")
        || schema.get("type").is_none() && schema.get("properties").is_some()
        || parts("enum").len() > 1
        || ["allOf", "anyOf", "oneOf"].iter().any(|keyword| is_choice(parts(keyword)))
}

/// Returns the schema that another one refines, if there is exactly one.
fn only_part(schema: &Value) -> Option<&Value> {
    match schema.get("allOf")?.as_array()?.as_slice() {
        [part] if schema.get("properties").is_none() => Some(part),
        _ => None,
    }
}

/// Returns what distinguishes one choice from another: the constant of its tag, or its only member.
fn variant(schema: &Value) -> Option<String> {
    let properties: &Map<String, Value> = schema.get("properties")?.as_object()?;
    let tag = properties.values().find_map(|member| member.get("const")?.as_str());
    let only = || properties.keys().next().filter(|_| properties.len() == 1).map(String::as_str);
    tag.or_else(only).map(pascal_case)
}

/// Returns a name as Rust and most other languages write a type.
fn pascal_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}
