//! FastWS's nested form of a request: fields inside an object `params`.

use serde_json::{Map, Value, json};

use super::aliases::{self, Field};

/// The member that holds nested fields.
const PARAMS: &str = "params";

/// The keywords of an object schema that [`form`] knows how to spread over two objects.
const SPREAD: [&str; 8] =
    ["type", "title", "description", "properties", "required", "dependencies", "allOf", "additionalProperties"];

/// Returns the schema of the nested form of a request: an object with a `params`, where each
/// field is in exactly one of the two objects.
///
/// Returns `None` for a hand-written schema whose keywords cannot be divided between two
/// objects.
pub(super) fn form(flat: &Value) -> Option<Value> {
    let flat = flat.as_object().filter(|flat| flat.keys().all(|keyword| SPREAD.contains(&keyword.as_str())))?;
    let fields = aliases::fields(flat)?;
    let object = |properties: Map<String, Value>| {
        let mut object = Map::new();
        object.insert("type".to_owned(), "object".into());
        object.insert("properties".to_owned(), Value::Object(properties));
        for keyword in ["dependencies", "additionalProperties"] {
            object.extend(flat.get(keyword).map(|value| (keyword.to_owned(), value.clone())));
        }
        object
    };
    let properties = flat.get("properties")?.as_object()?;
    let mut params = object(properties.clone());
    params.insert("description".to_owned(), "The fields that are not beside it.".into());
    let mut outer = properties.clone();
    outer.insert(PARAMS.to_owned(), Value::Object(params));
    let mut form = object(outer);
    let description = "The form of older clients: each field is beside `params` or inside it.";
    form.insert("description".to_owned(), description.into());
    form.insert("deprecated".to_owned(), true.into());
    form.insert("required".to_owned(), json!([PARAMS]));
    form.insert("allOf".to_owned(), fields.iter().map(in_one_place).collect());
    Some(Value::Object(form))
}

/// Returns the schema that a request in the flat form must not match: one with `params`.
pub(super) fn absent() -> Value {
    json!({ "required": [PARAMS] })
}

/// Returns a request with all its fields inside `params`, except the subject, as FastWS's
/// clients send it.
pub(super) fn example(flat: &Value, subject: Option<&str>) -> Option<Value> {
    let mut params = flat.as_object()?.clone();
    let mut outer = Map::new();
    if let Some(subject) = subject.filter(|_| params.len() > 1) {
        outer.extend(params.shift_remove_entry(subject));
    }
    outer.insert(PARAMS.to_owned(), Value::Object(params));
    Some(Value::Object(outer))
}

/// Requires that a field inside `params` is not also beside it, and that a required field is in
/// one of the two places.
fn in_one_place(field: &Field<'_>) -> Value {
    let given = aliases::given(&field.names);
    let mut rule = json!({ "if": { "properties": { PARAMS: given } }, "then": { "not": given } });
    if field.is_required {
        rule["else"] = given;
    }
    rule
}
