//! Aliases of fields (`#[serde(alias = "…")]`), which schemars ignores.
//!
//! A declaration lists them in the extension `x-aliases` of the field's schema:
//! `#[schemars(extend("x-aliases" = ["ticker"]))]`. A client may use any one of the names.

use schemars::Schema;
use serde_json::{Map, Value, json};

/// The keyword of a field's schema that lists its aliases.
const KEYWORD: &str = "x-aliases";

/// Removes the extension from an object's schema. If the server reads the object, the aliases become
/// members, of which a client sends exactly one for the field.
pub(super) fn expand(schema: &mut Schema, is_read: bool) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let aliased: Vec<(String, Vec<String>)> =
        properties.iter_mut().filter_map(|(name, field)| Some((name.clone(), take_aliases(field)?))).collect();
    if !is_read {
        return;
    }
    for (name, aliases) in aliased {
        add_members(schema, &name, &aliases);
        exclude_repeats(schema, &name, &aliases);
        require_one(schema, &name, &aliases);
    }
}

fn take_aliases(field: &mut Value) -> Option<Vec<String>> {
    let aliases = field.as_object_mut()?.remove(KEYWORD)?;
    Some(aliases.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn add_members(schema: &mut Schema, name: &str, aliases: &[String]) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let Some(field) = properties.get(name).and_then(Value::as_object).cloned() else { return };
    for alias in aliases {
        let mut other = field.clone();
        other.remove("default");
        other.insert("description".to_owned(), format!("Another name of `{name}`.").into());
        // Tools and examples then prefer the name itself.
        other.insert("deprecated".to_owned(), true.into());
        properties.insert(alias.clone(), Value::Object(other));
    }
}

/// A field of an object and the names that a client may give it by, its own name first.
pub(super) struct Field<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) is_required: bool,
}

/// Returns the fields of an expanded object; `None` if its `allOf` has other rules than those
/// that [`expand`] adds.
pub(super) fn fields(object: &Map<String, Value>) -> Option<Vec<Field<'_>>> {
    let list = |keyword: &str| object.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one_of_many: Vec<&str> =
        list("allOf").iter().map(|rule| rule.pointer("/then/required/0")?.as_str()).collect::<Option<_>>()?;
    let required: Vec<&str> = list("required").iter().filter_map(Value::as_str).chain(one_of_many).collect();
    let mut fields: Vec<Field<'_>> = Vec::new();
    for name in object.get("properties")?.as_object()?.keys() {
        let pointer = "/not/anyOf/0/required/0";
        let owner = object.get("dependencies").and_then(|it| it.get(name)?.pointer(pointer)?.as_str());
        match fields.iter_mut().find(|field| Some(field.names[0]) == owner) {
            Some(field) => field.names.push(name),
            None => fields.push(Field { names: vec![name], is_required: required.contains(&name.as_str()) }),
        }
    }
    Some(fields)
}

/// Requires a field under any one of its names.
pub(super) fn given(names: &[&str]) -> Value {
    match names {
        [name] => json!({ "required": [name] }),
        names => json!({ "anyOf": names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>() }),
    }
}

/// Excludes two names of one field, which serde refuses as a duplicate.
fn exclude_repeats(schema: &mut Schema, name: &str, aliases: &[String]) {
    let dependencies = schema.ensure_object().entry("dependencies").or_insert_with(|| Map::new().into());
    let Some(dependencies) = dependencies.as_object_mut() else { return };
    for (at, alias) in aliases.iter().enumerate() {
        let earlier = std::iter::once(name).chain(aliases[..at].iter().map(String::as_str));
        let given: Vec<Value> = earlier.map(|earlier| json!({ "required": [earlier] })).collect();
        dependencies.insert(alias.clone(), json!({ "not": { "anyOf": given } }));
    }
}

/// Allows a required field under any one of its names.
fn require_one(schema: &mut Schema, name: &str, aliases: &[String]) {
    let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) else { return };
    let before = required.len();
    required.retain(|field| field != name);
    if required.len() == before {
        return;
    }
    if required.is_empty() {
        schema.remove("required");
    }
    let others: Vec<Value> = aliases.iter().map(|alias| json!({ "required": [alias] })).collect();
    let rule = json!({ "if": { "not": { "anyOf": others } }, "then": { "required": [name] } });
    let rules = schema.ensure_object().entry("allOf").or_insert_with(|| json!([]));
    if let Some(rules) = rules.as_array_mut() {
        rules.push(rule);
    }
}
