//! The schemas of all types, by their use, each with a unique name.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use schemars::{
    JsonSchema, Schema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
    transform::{RecursiveTransform, Transform},
};
use serde_json::{Map, Value, json};

use super::{Error, aliases, is_component_name};
use crate::declare::SchemaOf;

/// The prefix of references to schemas.
pub(super) const POINTER: &str = "#/components/schemas/";

/// The largest integer that every JSON parser represents exactly, 2^53 − 1.
pub(super) const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The use of a type, on which its schema depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// The server sends it.
    Sent,
    /// A client sends it, as the payload of a plain operation.
    Payload,
    /// A client sends it, as the request of a channel. It becomes a topic, so the schema excludes
    /// values that would make two requests share one topic.
    Request,
}

const USES: [Use; 3] = [Use::Sent, Use::Payload, Use::Request];

impl Use {
    fn contract(self) -> Contract {
        match self {
            Self::Sent => Contract::Serialize,
            Self::Payload | Self::Request => Contract::Deserialize,
        }
    }

    /// Returns the suffix that distinguishes the schemas of one type if its uses differ.
    fn suffix(self) -> &'static str {
        match self {
            Self::Sent => "-Output",
            Self::Payload => "-Input",
            Self::Request => "-Request",
        }
    }
}

/// One type in one use.
type Site = (Use, String);

/// All schemas of the documents.
pub(super) struct Schemas {
    generators: BTreeMap<Use, SchemaGenerator>,
    names: BTreeMap<Site, String>,
    definitions: Map<String, Value>,
}

impl Schemas {
    /// Returns the schemas of these types and of the types that they contain.
    pub(super) fn of(used: &[(Use, SchemaOf)]) -> Result<Self, Error> {
        check_names(used)?;
        let mut generators: BTreeMap<Use, SchemaGenerator> =
            USES.into_iter().map(|used_as| (used_as, generator(used_as.contract()))).collect();
        for (used_as, schema) in used {
            if let Some(generator) = generators.get_mut(used_as) {
                schema(generator);
            }
        }
        let mut sites = BTreeMap::new();
        for (used_as, generator) in &mut generators {
            let raw = generator.definitions().clone();
            for (name, schema) in &raw {
                let finished = finish(*used_as, generator, schema.clone(), &raw);
                sites.insert((*used_as, name.clone()), finished);
            }
        }
        let names = unique_names(&sites)?;
        let mut named = BTreeMap::new();
        for (site, mut schema) in sites {
            rename(&mut schema, site.0, &names);
            named.insert(names[&site].clone(), schema);
        }
        let definitions = named.into_iter().collect();
        Ok(Self { generators, names, definitions })
    }

    /// Returns the schema of one of the types: a reference, or the schema itself if it has no name.
    pub(super) fn schema(&mut self, used_as: Use, schema: SchemaOf) -> Value {
        let Some(generator) = self.generators.get_mut(&used_as) else { return Value::Bool(true) };
        let raw = schema(generator).to_value();
        let definitions = generator.definitions().clone();
        let mut finished = finish(used_as, generator, raw, &definitions);
        rename(&mut finished, used_as, &self.names);
        finished
    }

    /// Returns the schemas by name, as components of a document.
    pub(super) fn definitions(&self) -> &Map<String, Value> {
        &self.definitions
    }

    /// Returns the [`definitions`](Self::definitions) mutably.
    pub(super) fn definitions_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.definitions
    }

    /// Adds a schema that belongs to no type of the surface, and returns a reference to it.
    pub(super) fn add(&mut self, name: String, schema: Value) -> Result<Value, Error> {
        if self.definitions.contains_key(&name) {
            return Err(Error::SchemaCollision { name });
        }
        let reference = json!({ "$ref": format!("{POINTER}{name}") });
        self.definitions.insert(name, schema);
        self.definitions.sort_keys();
        Ok(reference)
    }

    /// Follows a chain of references to the schema at its end.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        resolve(schema, &self.definitions)
    }
}

/// Returns the name that a schema refers to, if it is a reference.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(POINTER)
}

fn resolve<'a>(mut schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    // A chain is at most as long as the number of names, unless it is a cycle.
    for _ in 0..=definitions.len() {
        let only = schema.get("allOf").and_then(Value::as_array).filter(|parts| parts.len() == 1);
        let next = match (reference(schema), only) {
            (Some(name), _) => definitions.get(name),
            (None, Some(parts)) if schema.get("type").is_none() => parts.first(),
            _ => None,
        };
        match next {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

fn generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.contract = contract;
    settings.into_generator()
}

/// Applies the generator's transforms and the protocol's restrictions of requests.
fn finish(used_as: Use, generator: &mut SchemaGenerator, schema: Value, raw: &Map<String, Value>) -> Value {
    // The generator returns objects and booleans only; the default schema allows every value.
    let mut schema = Schema::try_from(schema).unwrap_or_default();
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    RecursiveTransform(|schema: &mut Schema| aliases::expand(schema, used_as != Use::Sent)).transform(&mut schema);
    RecursiveTransform(bound_integers).transform(&mut schema);
    if used_as == Use::Request {
        RecursiveTransform(|schema: &mut Schema| restrict_request(schema, raw)).transform(&mut schema);
    }
    schema.to_value()
}

/// Adds the range of 32-bit and 64-bit integers, for which schemars writes the format only.
fn bound_integers(schema: &mut Schema) {
    let (minimum, maximum): (Value, Value) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("uint32") => (u32::MIN.into(), u32::MAX.into()),
        Some("int64" | "int") => (i64::MIN.into(), i64::MAX.into()),
        Some("uint64" | "uint") => (u64::MIN.into(), u64::MAX.into()),
        _ => return,
    };
    if has_type(schema.as_value(), "integer") {
        for (keyword, bound) in [("minimum", minimum), ("maximum", maximum)] {
            if schema.get(keyword).is_none() {
                schema.insert(keyword.to_owned(), bound);
            }
        }
    }
}

/// The smallest number that overflows `f32` to infinity, which a topic cannot contain.
const F32_OVERFLOW: f64 = 3.402_823_567_797_336_6e38;

/// Restricts a request to values that have a topic. Its numbers must be finite and exact in every
/// language. An optional value must not be `""`, which represents null in topics.
fn restrict_request(schema: &mut Schema, definitions: &Map<String, Value>) {
    if schema.get("enum").is_none() && schema.get("const").is_none() && has_type(schema.as_value(), "integer") {
        // Only the bounds of u64 exceed i64, and they are wider.
        let own = |keyword| schema.get(keyword).and_then(|own: &Value| own.as_i64());
        let minimum = own("minimum").map_or(-MAX_INTEGER, |own| own.max(-MAX_INTEGER));
        let maximum = own("maximum").map_or(MAX_INTEGER, |own| own.min(MAX_INTEGER));
        schema.insert("minimum".to_owned(), minimum.into());
        schema.insert("maximum".to_owned(), maximum.into());
    }
    if schema.get("format").is_some_and(|format| format == "float") {
        for (keyword, bound) in [("exclusiveMinimum", -F32_OVERFLOW), ("exclusiveMaximum", F32_OVERFLOW)] {
            if schema.get(keyword).is_none() {
                schema.insert(keyword.to_owned(), bound.into());
            }
        }
    }
    if has_type(schema.as_value(), "null") && accepts_empty_string(schema.as_value(), definitions) {
        schema.insert("minLength".to_owned(), 1.into());
    }
    let choices = schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let optional = choices.iter().any(|choice| has_type(choice, "null"));
    if optional && choices.iter().any(|choice| accepts_empty_string(choice, definitions)) {
        schema.insert("not".to_owned(), json!({ "const": "" }));
    }
}

/// Returns true if a schema lists a type itself.
pub(super) fn has_type(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == name),
        Some(kind) => kind == name,
        None => false,
    }
}

fn accepts_empty_string(schema: &Value, definitions: &Map<String, Value>) -> bool {
    let schema = resolve(schema, definitions);
    has_type(schema, "string")
        && ["enum", "const", "format", "pattern"].iter().all(|keyword| schema.get(keyword).is_none())
        && schema.get("minLength").and_then(Value::as_u64).unwrap_or(0) == 0
}

/// Names every schema. A type keeps one name if its schema, including the types that it contains,
/// is the same in all its uses. Otherwise later uses get a suffix.
fn unique_names(sites: &BTreeMap<Site, Value>) -> Result<BTreeMap<Site, String>, Error> {
    let classes = classes(sites);
    let mut names: BTreeMap<Site, String> = BTreeMap::new();
    let mut taken: BTreeMap<String, (&str, usize)> = BTreeMap::new();
    for site in sites.keys() {
        let (used_as, name) = site;
        let class = classes[site];
        let earlier = USES.into_iter().filter(|other| other < used_as).map(|other| (other, name.clone()));
        let mut earlier = earlier.filter(|other| sites.contains_key(other)).peekable();
        let unique = if earlier.peek().is_none() {
            name.clone()
        } else if let Some(same) = earlier.find(|other| classes[other] == class) {
            names[&same].clone()
        } else {
            format!("{name}{}", used_as.suffix())
        };
        if !is_component_name(&unique) {
            return Err(Error::SchemaName { name: unique });
        }
        let owner = taken.entry(unique.clone()).or_insert((name, class));
        if *owner != (name.as_str(), class) {
            return Err(Error::SchemaCollision { name: unique });
        }
        names.insert(site.clone(), unique);
    }
    Ok(names)
}

/// Groups the schemas that can share a name: those with the same text whose references can share
/// their names.
fn classes(sites: &BTreeMap<Site, Value>) -> BTreeMap<Site, usize> {
    let texts: BTreeMap<&Site, (String, Vec<String>)> =
        sites.iter().map(|(site, schema)| (site, (schema.to_string(), references(schema)))).collect();
    let mut classes: BTreeMap<Site, usize> = sites.keys().map(|site| (site.clone(), 0)).collect();
    let mut count = 0;
    // Each round splits schemas whose references the previous round split.
    loop {
        let mut signatures = BTreeMap::new();
        let mut refined = BTreeMap::new();
        for (site, (text, references)) in &texts {
            let parts: Vec<Option<usize>> =
                references.iter().map(|name| classes.get(&(site.0, name.clone())).copied()).collect();
            let next = signatures.len();
            let class = *signatures.entry((&site.1, text, parts)).or_insert(next);
            refined.insert((*site).clone(), class);
        }
        let refined_count = signatures.len();
        classes = refined;
        if refined_count == count {
            return classes;
        }
        count = refined_count;
    }
}

/// Returns the names that a schema refers to, at any depth.
pub(super) fn references(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut schema = Schema::try_from(schema.clone()).unwrap_or_default();
    RecursiveTransform(|schema: &mut Schema| {
        found.extend(reference(schema.as_value()).map(str::to_owned));
    })
    .transform(&mut schema);
    found
}

fn rename(schema: &mut Value, used_as: Use, names: &BTreeMap<Site, String>) {
    let Ok(schema) = <&mut Schema>::try_from(schema) else { return };
    RecursiveTransform(|schema: &mut Schema| {
        let unique = reference(schema.as_value()).and_then(|name| names.get(&(used_as, name.to_owned())));
        if let Some(unique) = unique {
            schema.insert("$ref".to_owned(), format!("{POINTER}{unique}").into());
        }
    })
    .transform(schema);
}

/// Returns an error if different types have the same name.
///
/// schemars numbers such types silently: the second `Bar` becomes `Bar2`. To find out whether
/// `Bar2` is the name of a type, the check reserves that name: the type then becomes `Bar22`,
/// while the second `Bar` becomes `Bar3`.
fn check_names(used: &[(Use, SchemaOf)]) -> Result<(), Error> {
    for contract in [Contract::Serialize, Contract::Deserialize] {
        let names = names_without(None, &contract, used);
        for name in &names {
            let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
            // The longest prefix that is a name, because `Bar22` may be the second `Bar2`.
            let Some(base) = (base.len()..name.len()).rev().map(|end| &name[..end]).find(|base| names.contains(*base))
            else {
                continue;
            };
            let others = names_without(Some(name), &contract, used);
            let moved = (2..).map(|number| format!("{name}{number}")).find(|moved| !names.contains(moved));
            if !moved.is_some_and(|moved| others.contains(&moved)) {
                return Err(Error::SchemaCollision { name: base.to_owned() });
            }
        }
    }
    Ok(())
}

/// Returns the names that the types get when one name is reserved.
fn names_without(reserved: Option<&str>, contract: &Contract, used: &[(Use, SchemaOf)]) -> BTreeSet<String> {
    let mut generator = generator(contract.clone());
    if let Some(reserved) = reserved {
        RESERVED.with_borrow_mut(|name| reserved.clone_into(name));
        generator.subschema_for::<Reserved>();
    }
    for (_, schema) in used {
        schema(&mut generator);
    }
    let mut names: BTreeSet<String> = generator.definitions().keys().cloned().collect();
    if let Some(reserved) = reserved {
        names.remove(reserved);
    }
    names
}

thread_local! {
    static RESERVED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A type whose name is the reserved one.
struct Reserved;

impl JsonSchema for Reserved {
    fn schema_name() -> Cow<'static, str> {
        RESERVED.with_borrow(|name| name.clone().into())
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Reserved").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }
}
