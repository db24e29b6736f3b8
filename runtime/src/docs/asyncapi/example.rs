//! Generates values that schemas allow, for the examples of the documents.

use serde_json::{Map, Value, json};

use super::schemas::{has_type, reference};

/// Returns a plausible value of a schema, or `None` if the schema does not determine one, such as a
/// string that must match a pattern.
pub(super) fn example(schema: &Value, definitions: &Map<String, Value>) -> Option<Value> {
    Maker { definitions, inside: Vec::new() }.make(schema, "text")
}

struct Maker<'a> {
    definitions: &'a Map<String, Value>,
    /// The named schemas that enclose the value, so that recursion ends.
    inside: Vec<&'a str>,
}

impl<'a> Maker<'a> {
    fn make(&mut self, schema: &'a Value, name: &str) -> Option<Value> {
        if schema == &Value::Bool(false) {
            return None;
        }
        let given = schema.get("examples").and_then(Value::as_array).and_then(|examples| examples.first());
        let given = given.or_else(|| schema.get("const")).or_else(|| schema.get("default").filter(|it| !it.is_null()));
        if let Some(given) = given.or_else(|| schema.get("enum")?.as_array()?.iter().find(|it| !it.is_null())) {
            return Some(given.clone());
        }
        if let Some(target) = reference(schema) {
            return self.refer(target, name);
        }
        self.of_type(schema, name)
    }

    fn refer(&mut self, target: &'a str, name: &str) -> Option<Value> {
        if self.inside.contains(&target) {
            return None;
        }
        self.inside.push(target);
        let value = self.definitions.get(target).and_then(|schema| self.make(schema, name));
        self.inside.pop();
        value
    }

    fn of_type(&mut self, schema: &'a Value, name: &str) -> Option<Value> {
        if ["allOf", "anyOf", "oneOf"].iter().any(|keyword| schema.get(keyword).is_some()) {
            return self.composed(schema, name);
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
            Some(kind) => kind.as_str(),
            None if schema.get("properties").is_some() => Some("object"),
            None => Some("any"),
        };
        match kind {
            Some("object") => self.object(schema),
            Some("array") => self.array(schema, name),
            Some("string") => string(schema, name),
            Some("integer") => number(schema, 1),
            Some("number") => number(schema, 1).map(|value| value.as_i64().map_or(value, |whole| json!(whole))),
            Some("boolean") => Some(json!(true)),
            Some("any") => Some(json!({})),
            _ => Some(Value::Null),
        }
    }

    /// Returns a value that every part of `allOf` and one part each of `anyOf` and `oneOf` allow.
    fn composed(&mut self, schema: &'a Value, name: &str) -> Option<Value> {
        let parts = |keyword| schema.get(keyword).and_then(Value::as_array);
        let mut value = schema.get("properties").and_then(|_| self.object(schema));
        for part in parts("allOf").into_iter().flatten() {
            value = Some(merge(value, self.make(part, name)?)?);
        }
        for parts in ["anyOf", "oneOf"].into_iter().filter_map(parts) {
            // Null shows nothing about the schema, so it comes last.
            let (nulls, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| has_type(part, "null"));
            let chosen = others.into_iter().chain(nulls).find_map(|part| self.make(part, name))?;
            value = Some(merge(value, chosen)?);
        }
        value
    }

    fn object(&mut self, schema: &'a Value) -> Option<Value> {
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut members = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_required = required.contains(&name.as_str());
            let is_alias = property.get("deprecated").is_some();
            if !is_required && (is_alias || allows_all(property)) {
                continue;
            }
            match self.make(property, name) {
                Some(value) => {
                    members.insert(name.clone(), value);
                }
                None if is_required => return None,
                None => {}
            }
        }
        let least = schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0);
        let all_given = required.iter().all(|name| members.contains_key(*name));
        (all_given && members.len() as u64 >= least).then_some(Value::Object(members))
    }

    fn array(&mut self, schema: &'a Value, name: &str) -> Option<Value> {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let items = match schema.get("items") {
            Some(Value::Array(items)) => items.iter().map(|item| self.make(item, name)).collect::<Option<Vec<_>>>()?,
            Some(item) => self.make(item, name.strip_suffix('s').unwrap_or(name)).into_iter().collect(),
            None => Vec::new(),
        };
        (items.len() as u64 >= least).then_some(Value::Array(items))
    }
}

/// Returns true if a schema allows every value.
fn allows_all(schema: &Value) -> bool {
    schema.as_object().is_some_and(|schema| schema.keys().all(|keyword| keyword == "description"))
}

/// Merges two values: joins objects, and requires any other values to be equal.
fn merge(value: Option<Value>, more: Value) -> Option<Value> {
    match (value, more) {
        (None, more) => Some(more),
        (Some(Value::Object(mut members)), Value::Object(more)) => {
            members.extend(more);
            Some(Value::Object(members))
        }
        (Some(value), more) => (value == more).then_some(value),
    }
}

fn string(schema: &Value, name: &str) -> Option<Value> {
    if schema.get("pattern").is_some() {
        return None;
    }
    let text = match schema.get("format").and_then(Value::as_str) {
        None => name,
        Some("date-time") => "2024-08-08T09:30:00Z",
        Some("partial-date-time") => "2024-08-08T09:30:00",
        Some("date") => "2024-08-08",
        Some("time" | "partial-time") => "09:30:00",
        Some("duration") => "PT1M",
        Some("uuid") => "7f9c24e8-3b12-4fef-91e0-5d2f1a7e6c3b",
        Some("email") => "name@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("ip" | "ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some(_) => return None,
    };
    let limit = |keyword| schema.get(keyword).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let (least, most) = (limit("minLength").unwrap_or(0), limit("maxLength").unwrap_or(usize::MAX));
    if schema.get("format").is_some() {
        return (least..=most).contains(&text.chars().count()).then(|| json!(text));
    }
    // A longer example must come from the declaration.
    if least > 256 {
        return None;
    }
    Some(json!(text.chars().cycle().take(text.chars().count().clamp(least, most.max(least))).collect::<String>()))
}

fn number(schema: &Value, wanted: i64) -> Option<Value> {
    let limit = |keyword| schema.get(keyword).and_then(Value::as_f64);
    let step = limit("multipleOf").unwrap_or(1.0);
    let least = limit("minimum").into_iter().chain(limit("exclusiveMinimum").map(|limit| limit + step));
    let most = limit("maximum").into_iter().chain(limit("exclusiveMaximum").map(|limit| limit - step));
    let (least, most) = (least.fold(f64::NEG_INFINITY, f64::max), most.fold(f64::INFINITY, f64::min));
    #[expect(clippy::cast_precision_loss, reason = "the wanted values are small")]
    let near = (wanted as f64).max(least).min(most);
    let value = (near / step).ceil() * step;
    let value = if value > most { (near / step).floor() * step } else { value };
    if !value.is_finite() || value < least || value > most {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers that i64 holds are converted")]
    let whole = (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
    whole.map_or_else(
        || (schema.get("type") != Some(&json!("integer"))).then(|| json!(value)),
        |whole| Some(json!(whole)),
    )
}
