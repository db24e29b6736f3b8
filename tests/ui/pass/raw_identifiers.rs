//! Names that are keywords.

#![deny(warnings)]
#![allow(non_camel_case_types)]

use topicast::{Channel, Cx, Push, Refusal, channels, data, operations, topic_of, ws_operation, ws_push, ws_router};

#[data]
pub enum r#enum {
    r#if,
    Else,
}

#[ws_router(route = "raw", update = r#enum, subject = "match")]
#[serde(rename_all = "camelCase")]
pub struct r#struct {
    pub r#type: String,
    pub r#match: r#enum,
    pub r#async: Option<bool>,
}

#[ws_push("impl")]
pub struct r#impl {
    pub r#fn: u8,
}

#[ws_operation("move")]
async fn r#move(_: &Cx<'_>) -> Result<(), Refusal> {
    Ok(())
}

fn main() {
    let request = r#struct { r#type: "t".into(), r#match: r#enum::r#if, r#async: Some(true) };
    assert_eq!(topic_of(&request).unwrap(), r#"raw:{"async":true,"match":"if","type":"t"}"#);
    let declared = r#struct::FRAGMENT;
    assert_eq!((declared.type_name, declared.subject.unwrap().name), ("struct", "match"));
    assert_eq!(declared.fields, ["type", "match", "async"]);
    assert_eq!(r#impl::FRAGMENT.type_name, "impl");
    let mut schemas = topicast::schemars::SchemaGenerator::default();
    (declared.request)(&mut schemas);
    assert!(schemas.definitions().contains_key("struct"));
    let _ = (r#enum::Else, r#impl { r#fn: 1 });
    let _ = (channels![r#struct], operations![r#move, r#impl]);
}
