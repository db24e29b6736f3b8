//! Tests of the documents, as text and as validators of messages.

use std::sync::LazyLock;

use serde_json::{Value, json};

use self::{
    documents::{Direction, Messages},
    fixture::*,
};
use super::{AsyncApi, Error};
use crate::{
    declare::{PushFragment, schema_of},
    docs::surface::Surface,
    profile::{Profile, fastws},
    wire::{Form, request::decode},
};

// The test kit of the workspace has the same file as a module, for end-to-end tests.
#[expect(unreachable_pub, dead_code, reason = "public in the test kit, which uses all of it")]
mod documents;

mod fixture;
mod kinds;

fn documents_of(surface: &Surface) -> AsyncApi {
    AsyncApi::of(surface, "/api/v1/ws").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn version_3() {
    insta::assert_snapshot!(documents_of(&surface(Profile::modern())).v3_json());
}

#[test]
fn version_2() {
    insta::assert_snapshot!(documents_of(&surface(fastws())).v2_json());
}

#[test]
fn indented_documents_read_back_as_they_are() {
    let documents = documents_of(&surface(fastws()));
    for (text, value) in [(documents.v2_json(), documents.v2()), (documents.v3_json(), documents.v3())] {
        assert!(text.ends_with("}\n") && text.contains("\n  \"info\": {"));
        assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}

/// Collects every `$ref` at any depth, also where renderers do not follow references.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => found.push(target.clone()),
                    member => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn references_lead_somewhere_and_components_are_used() {
    let documents = documents_of(&surface(Profile::modern()));
    for document in [documents.v2(), documents.v3()] {
        let mut found = Vec::new();
        references(document, &mut found);
        assert!(found.len() > 50, "{} references", found.len());
        for target in &found {
            let pointer = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} is outside"));
            assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
        }
        for kind in ["messages", "schemas", "correlationIds"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                assert!(found.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is unused");
            }
        }
    }
}

#[test]
fn every_message_has_an_example_that_only_it_describes() {
    let documents = documents_of(&surface(Profile::modern()));
    let messages = Messages::from_v3(documents.v3());
    for (key, message) in documents.v3()["components"]["messages"].as_object().unwrap() {
        let example = &message["examples"][0]["payload"];
        let found: Vec<String> = [Direction::FromClient, Direction::FromServer]
            .iter()
            .flat_map(|direction| messages.matching(*direction, example))
            .collect();
        assert_eq!(found, [key.as_str()], "{example:#}");
    }
}

/// Validates a frame against the documents of both profiles.
fn check(direction: Direction, frame: &Value, expected: &[&str]) {
    static PROFILES: LazyLock<[Messages; 2]> = LazyLock::new(|| {
        [Profile::modern(), fastws()].map(|profile| Messages::from_v3(documents_of(&surface(profile)).v3()))
    });
    for (messages, profile) in PROFILES.iter().zip(["modern", "fastws"]) {
        assert_eq!(messages.matching(direction, frame), expected, "{profile}: {frame}");
    }
}

const TOPIC: &str = r#"bars:{"resolution":"1","symbol":"AAPL"}"#;

#[test]
fn what_the_server_sends_matches_one_message() {
    let check = |frame: Value, expected: &[&str]| check(Direction::FromServer, &frame, expected);
    let ok = json!({ "status": "ok", "symbol": "AAPL", "message": "Subscribed to AAPL", "topic": TOPIC });
    let subscribed = "bars.subscribe.response";
    check(json!({ "type": subscribed, "id": 7, "epoch": "e", "seq": 0, "payload": ok }), &[subscribed]);
    check(json!({ "type": subscribed, "epoch": "e", "seq": 12, "payload": ok }), &[subscribed]);
    check(json!({ "type": subscribed, "payload": ok }), &[]);
    check(json!({ "type": subscribed, "epoch": "e", "seq": -1, "payload": ok }), &[]);
    check(json!({ "type": "bars.unsubscribe.response", "id": "x", "payload": ok }), &["bars.unsubscribe.response"]);
    check(json!({ "type": "bars.unsubscribe.response", "seq": 1, "payload": ok }), &[]);

    let refused = json!({
        "status": "error", "symbol": "AAPL", "code": "market_closed", "message": "closed", "retryable": true,
        "retry_after_ms": 100,
    });
    check(json!({ "type": subscribed, "id": 7, "payload": refused }), &["bars.subscribe.response.error"]);
    check(json!({ "type": subscribed, "epoch": "e", "seq": 0, "payload": refused }), &[]);
    let mut unlisted = refused.clone();
    unlisted["code"] = json!("no_such_code");
    check(json!({ "type": subscribed, "payload": unlisted }), &[]);

    let bar = json!({ "time": 1, "open": 1.5, "volume": 0.25, "resolution": "D" });
    let update = json!({ "type": "bars.update", "topic": TOPIC, "seq": 1, "payload": bar });
    check(update.clone(), &["bars.update"]);
    for (name, value) in [("seq", json!(0)), ("skipped", json!(0)), ("id", json!(1)), ("topic", json!("orders:{}"))] {
        let mut wrong = update.clone();
        wrong[name] = value;
        check(wrong, &[]);
    }
    let mut skipping = update.clone();
    skipping["skipped"] = json!(3);
    check(skipping, &["bars.update"]);
    check(json!({ "type": "bars.snapshot", "topic": TOPIC, "seq": 0, "payload": bar }), &[]);

    let order = json!({ "id": "1", "filter": { "side": null, "depth": 1 }, "parent": null });
    let topic = r#"orders:{"accountId":"1"}"#;
    check(json!({ "type": "orders.snapshot", "topic": topic, "seq": 0, "payload": order }), &["orders.snapshot"]);
    check(
        json!({ "type": "orders.unsubscribed", "topic": topic,
            "payload": { "code": "forbidden", "message": "no", "retryable": false } }),
        &["orders.unsubscribed"],
    );
    check(
        json!({ "type": "market-status.subscribe.response", "epoch": "e", "seq": 0, "payload":
            { "status": "ok", "message": "Subscribed to market-status", "topic": "market-status:{}" } }),
        &["market-status.subscribe.response"],
    );

    check(json!({ "type": "ping.response", "payload": { "time": 1 } }), &["ping.response"]);
    check(json!({ "type": "notice", "payload": { "text": "" } }), &["notice"]);
    check(json!({ "type": "notice", "id": 1, "payload": { "text": "" } }), &[]);
    let placed = "orders.place.response";
    check(json!({ "type": placed, "id": 1, "payload": { "message": "done" } }), &[placed]);
    let refused = json!({ "status": "error", "code": "forbidden", "message": "no", "retryable": false });
    check(json!({ "type": placed, "payload": refused }), &["orders.place.response.error"]);
}

#[test]
fn a_fault_is_a_message_under_the_modern_profile_alone() {
    let fault = json!({ "type": "error", "id": "x",
        "payload": { "status": "error", "code": "unknown_type", "message": "no", "retryable": false } });
    let matching =
        |profile| Messages::from_v3(documents_of(&surface(profile)).v3()).matching(Direction::FromServer, &fault);
    assert_eq!(matching(Profile::modern()), ["error"]);
    assert_eq!(matching(fastws()), [""; 0]);
}

#[test]
fn what_a_client_may_send_matches_one_message() {
    let check = |frame: Value, expected: &[&str]| check(Direction::FromClient, &frame, expected);
    check(json!({ "type": "bars.subscribe", "payload": { "symbol": "AAPL" } }), &["bars.subscribe"]);
    check(
        json!({ "type": "bars.unsubscribe", "id": "x", "more": 1, "payload": { "symbol": "A", "resolution": "D", "x": 1 } }),
        &["bars.unsubscribe"],
    );
    check(json!({ "type": "market-status.subscribe", "payload": {} }), &["market-status.subscribe"]);
    for payload in [json!(null), json!([]), json!(["AAPL", "1"]), json!({}), json!({ "symbol": 1 })] {
        check(json!({ "type": "bars.subscribe", "payload": payload }), &[]);
    }
    check(json!({ "type": "bars.subscribe" }), &[]);
    check(json!({ "type": "bars.subscribe", "payload": { "symbol": "A", "resolution": "7" } }), &[]);
    check(json!({ "type": "bars.update", "payload": { "time": 1, "open": 1, "volume": 1 } }), &[]);
    check(json!({ "type": "unknown.operation", "payload": {} }), &[]);
    check(json!({ "payload": {} }), &[]);
    for id in [json!(null), json!(1.5), json!(9_007_199_254_740_992_u64), json!("x".repeat(129)), json!([])] {
        check(json!({ "type": "ping", "id": id }), &[]);
    }
    for id in [json!(0), json!(-9_007_199_254_740_991_i64), json!("x".repeat(128)), json!("")] {
        check(json!({ "type": "ping", "id": id }), &["ping"]);
    }
    check(json!({ "type": "ping", "payload": "whatever" }), &["ping"]);
    check(json!({ "type": "orders.cancel-all", "payload": 1 }), &["orders.cancel-all"]);
    check(json!({ "type": "orders.place", "payload": { "kind": "limit", "price": 1 } }), &["orders.place"]);
    // A plain operation has no topic, so only their type limits its integers.
    check(json!({ "type": "orders.place", "payload": { "kind": "market", "quantity": u64::MAX } }), &["orders.place"]);
    check(json!({ "type": "orders.place", "payload": { "kind": "stop" } }), &[]);
}

#[test]
fn an_optional_field_of_a_request_is_not_empty_and_an_integer_is_exact() {
    let request = json!({ "accountId": "", "symbol": null, "limit": 1, "labels": [null, "x"] });
    let with = |name: &str, value: Value, expected: &[&str]| {
        let mut payload = request.clone();
        payload[name] = value;
        check(Direction::FromClient, &json!({ "type": "orders.subscribe", "payload": payload }), expected);
    };
    let ok = ["orders.subscribe"];
    with("symbol", json!("A"), &ok);
    with("symbol", json!(""), &[]);
    with("tag", json!("A"), &ok);
    with("tag", json!(null), &ok);
    with("tag", json!(""), &[]);
    with("labels", json!([""]), &[]);
    with("filter", json!({ "side": null }), &ok);
    with("filter", json!({ "side": "" }), &[]);
    with("limit", json!(9_007_199_254_740_991_u64), &ok);
    with("limit", json!(9_007_199_254_740_992_u64), &[]);
    with("limit", json!(-1), &[]);
    with("since", json!(-9_007_199_254_740_991_i64), &ok);
    with("since", json!(-9_007_199_254_740_992_i64), &[]);
    with("filter", json!({ "depth": u32::MAX }), &ok);
    with("filter", json!({ "depth": 4_294_967_296_u64 }), &[]);
    with("ratio", json!(f32::MAX), &ok);
    with("ratio", json!(1e39), &[]);
}

#[test]
fn only_a_profile_that_accepts_the_nested_form_describes_it() {
    let nested = json!({ "type": "bars.subscribe", "payload": { "params": { "symbol": "A", "resolution": "1" } } });
    for (profile, accepts) in [(Profile::modern(), false), (fastws(), true)] {
        let documents = documents_of(&surface(profile));
        let messages = &documents.v3()["components"]["messages"];
        let says = |key: &str| messages[key]["description"].as_str().unwrap().contains("`params`");
        assert_eq!((says("bars.subscribe"), says("bars.unsubscribe")), (accepts, accepts));
        assert!(!says("market-status.subscribe") && !says("orders.place"));
        let matching = Messages::from_v3(documents.v3()).matching(Direction::FromClient, &nested);
        assert_eq!(matching.len(), usize::from(accepts), "{matching:?}");
    }
}

#[test]
fn a_nested_request_is_described_exactly_as_it_is_decoded() {
    let documents = documents_of(&surface(fastws()));
    let messages = Messages::from_v3(documents.v3());
    let check = |payload: &Value| {
        let is_read = decode::<Quotes>(Some(&payload.to_string()), Form::Nested).is_ok();
        let frame = json!({ "type": "quotes.subscribe", "payload": payload });
        let expected: &[&str] = if is_read { &["quotes.subscribe"] } else { &[] };
        assert_eq!(messages.matching(Direction::FromClient, &frame), expected, "{frame}");
        is_read
    };
    let names = ["symbol", "ticker", "sym", "depth", "levels"];
    let mut accepted = 0;
    // Each name is absent, beside `params` or inside it.
    for mut places in 0..3_u32.pow(5) {
        let mut objects = [json!({}), json!({})];
        for name in names {
            let value = if name.starts_with('s') || name == "ticker" { json!("A") } else { json!(1) };
            if let Some(at) = (places % 3).checked_sub(1) {
                objects[at as usize][name] = value;
            }
            places /= 3;
        }
        let [mut payload, params] = objects;
        payload["params"] = params;
        accepted += u32::from(check(&payload));
    }
    // One of six places for the symbol; one of four, or none, for the depth.
    assert_eq!(accepted, 6 * 5);
    for params in [json!(null), json!("1"), json!([]), json!({ "depth": "1" }), json!({ "more": 1 })] {
        check(&json!({ "symbol": "A", "params": params }));
    }
}

#[test]
fn a_request_of_either_form_is_an_example() {
    let documents = documents_of(&surface(fastws()));
    let messages = Messages::from_v3(documents.v3());
    let components = &documents.v3()["components"];
    let payloads = |key: &str| -> Vec<Value> {
        let examples = components["messages"][key]["examples"].as_array().unwrap();
        for example in examples {
            assert_eq!(messages.matching(Direction::FromClient, &example["payload"]), [key], "{example}");
        }
        examples.iter().map(|example| example["payload"]["payload"].clone()).collect()
    };
    let [flat, nested] =
        [json!({ "symbol": "AAPL", "resolution": "1" }), json!({ "symbol": "AAPL", "params": { "resolution": "1" } })];
    assert_eq!(payloads("bars.subscribe"), [flat.clone(), nested.clone()]);
    assert_eq!(payloads("bars.unsubscribe"), [flat, nested]);
    assert_eq!(payloads("market-status.subscribe"), [json!({})]);
}

/// Collects the schemas within a schema, including itself, except those that only exclude values.
fn schemas_within<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(schema);
    for keyword in ["properties", "anyOf", "oneOf", "allOf", "items", "additionalProperties"] {
        match &schema[keyword] {
            Value::Object(members) if keyword == "properties" => {
                members.values().for_each(|member| schemas_within(member, found));
            }
            Value::Array(parts) => parts.iter().for_each(|part| schemas_within(part, found)),
            Value::Null => {}
            part => schemas_within(part, found),
        }
    }
}

#[test]
fn every_object_and_enumeration_has_a_title_that_is_its_own() {
    for profile in [Profile::modern(), fastws()] {
        let documents = documents_of(&surface(profile));
        for document in [documents.v2(), documents.v3()] {
            let components = &document["components"];
            let mut found = Vec::new();
            for message in components["messages"].as_object().unwrap().values() {
                schemas_within(&message["payload"], &mut found);
            }
            components["schemas"].as_object().unwrap().values().for_each(|schema| schemas_within(schema, &mut found));
            let mut titled: Vec<(&str, &Value)> = Vec::new();
            for schema in found {
                let is_type = schema["type"] == "object" || schema["enum"].as_array().is_some_and(|all| all.len() > 1);
                assert!(!is_type || schema["title"].is_string(), "{schema:#}");
                titled.extend(schema["title"].as_str().filter(|_| is_type).map(|title| (title, schema)));
            }
            assert!(titled.len() > 40, "{} titles", titled.len());
            for (title, schema) in &titled {
                assert!(title.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{title}");
                let others = titled.iter().filter(|(other, _)| other == title);
                assert!(
                    others.into_iter().all(
                        |(_, other)| other["enum"] == schema["enum"] && other["properties"] == schema["properties"]
                    ),
                    "{title} is the title of different types"
                );
            }
        }
    }
}

#[test]
fn a_request_of_version_2_names_its_replies() {
    let documents = documents_of(&surface(fastws()));
    let messages = documents.v2()["components"]["messages"].as_object().unwrap();
    let replies = |key: &str| messages[key].get("x-response").cloned();
    assert_eq!(replies("bars.subscribe"), Some(json!(["bars.subscribe.response", "bars.subscribe.response.error"])));
    assert_eq!(replies("ping"), Some(json!(["ping.response"])));
    assert_eq!(replies("orders.cancel-all"), None);
    for names in messages.values().filter_map(|message| message.get("x-response")?.as_array()) {
        // A parser would replace a reference with the whole message.
        assert!(names.iter().all(|name| messages.contains_key(name.as_str().unwrap())), "{names:?}");
    }
}

#[test]
fn a_type_has_two_names_only_where_its_directions_differ() {
    let documents = documents_of(&surface(Profile::modern()));
    let schemas = documents.v3()["components"]["schemas"].as_object().unwrap();
    // A sent value always has `depth`; a received one need not.
    assert_eq!(schemas["Filter"]["required"], json!(["side", "depth"]));
    assert_eq!(schemas["Filter-Request"].get("required"), None);
    assert!(schemas["Orders"].to_string().contains("#/components/schemas/Filter-Request"));
    assert!(schemas["Order"].to_string().contains("#/components/schemas/Filter\""));
    assert!(schemas.contains_key("Resolution") && !schemas.contains_key("Resolution-Request"));
}

#[test]
fn a_field_goes_by_exactly_one_of_its_names() {
    let documents = documents_of(&surface(Profile::modern()));
    assert!(!documents.v3_json().contains("x-aliases"));
    let messages = Messages::from_v3(documents.v3());
    let check = |payload: Value| {
        let is_read = serde_json::from_str::<Quotes>(&payload.to_string()).is_ok();
        let frame = json!({ "type": "quotes.subscribe", "payload": payload });
        let expected: &[&str] = if is_read { &["quotes.subscribe"] } else { &[] };
        assert_eq!(messages.matching(Direction::FromClient, &frame), expected, "{frame}");
    };
    let names = [
        ("symbol", json!("A")),
        ("ticker", json!("A")),
        ("sym", json!("A")),
        ("depth", json!(1)),
        ("levels", json!(2)),
    ];
    for chosen in 0..1_u32 << names.len() {
        let members = names.iter().enumerate().filter(|(at, _)| chosen & 1 << at != 0);
        check(members.map(|(_, (name, value))| ((*name).to_owned(), value.clone())).collect());
    }
    check(json!({ "ticker": 1 }));
    check(json!({ "symbol": "A", "levels": 256 }));
    let sent = &documents.v3()["components"]["schemas"]["Quotes"];
    assert_eq!(sent["required"], json!(["symbol", "depth"]));
    assert_eq!(sent["properties"].as_object().map(serde_json::Map::len), Some(2));
}

fn fails(change: impl FnOnce(&mut Surface), expected: &Error) {
    let mut surface = surface(Profile::modern());
    change(&mut surface);
    assert_eq!(AsyncApi::of(&surface, "/ws").as_ref().err(), Some(expected));
}

#[test]
fn types_of_one_name_collide() {
    let collision = |name: &str| Error::SchemaCollision { name: name.to_owned() };
    // In one direction, in two, and inside another type.
    fails(|surface| surface.pushes[0].payload = schema_of::<other::Bar>, &collision("Bar"));
    fails(|surface| surface.pushes[0].payload = schema_of::<other::Bars>, &collision("Bars"));
    fails(|surface| surface.pushes[0].payload = schema_of::<Vec<Option<other::Bar>>>, &collision("Bar"));
    assert_eq!(
        collision("Bar").to_string(),
        "the documents need different schemas named `Bar`: rename one of the types, or its schema with \
         `#[schemars(rename = \"…\")]`"
    );
}

#[test]
fn a_type_whose_name_ends_in_a_number_does_not_collide() {
    let mut surface = surface(Profile::modern());
    surface.pushes[0].payload = schema_of::<Bar2>;
    let documents = documents_of(&surface);
    assert!(documents.v3()["components"]["schemas"].get("Bar2").is_some());
    surface.pushes.push(PushFragment { name: "more", payload: schema_of::<other::Bar>, ..surface.pushes[0] });
    let error = AsyncApi::of(&surface, "/ws").unwrap_err();
    assert_eq!(error, Error::SchemaCollision { name: "Bar".to_owned() });
}

#[test]
fn other_mistakes_are_named() {
    let same = |key: &str| Error::MessageCollision { key: key.to_owned() };
    fails(|surface| surface.pushes[0].name = "bars.update", &same("bars.update"));
    fails(|surface| surface.pushes[0].name = "orders.place.response.error", &same("orders.place.response.error"));
    fails(|surface| surface.pushes[0].name = "a b", &Error::MessageName { key: "a b".to_owned() });
    fails(
        |surface| surface.operations[0].payload = Some(schema_of::<Vec<u8>>),
        &Error::NotAnObject { message: "orders.place".to_owned() },
    );
}
