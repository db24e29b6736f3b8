//! Names of the user's own that an expansion must not mistake for its own.

#![deny(warnings)]
#![allow(dead_code, non_camel_case_types)]

mod topicast {}
mod serde {}
mod schemars {}
mod core {}
mod std {}

pub struct Channel;
pub struct Docs;
pub struct S;
pub struct Serialize;
pub struct JsonSchema;
pub trait Default {}
pub enum Option {}
pub type Result = ();

const LENGTH: usize = 1;

#[::topicast::data]
#[derive(::std::default::Default)]
pub struct Vec {
    pub items: [u8; LENGTH],
}

#[::topicast::ws_router(route = "s", update = Vec, served)]
#[serde(default)]
#[derive(::std::default::Default)]
pub struct Served {
    pub symbol: String,
    pub cx: Vec,
}

impl<S: Send + Sync + 'static> ::topicast::Serve<S> for Served {}

pub trait Row {}
pub struct Table;
pub struct Wire;
const FIELDS: u8 = 0;

#[::topicast::data]
pub struct Keyed {
    pub get: u8,
    pub row: String,
    pub part: Vec,
}

#[::topicast::ws_router(route = "keyed", update = Keyed, table(key = (row, get)))]
pub struct Rows {}

#[::topicast::ws_operation("text")]
async fn text(_: &::topicast::Cx<'_, App>, payload: Vec) -> ::std::result::Result<(), ::topicast::Refusal> {
    drop(payload);
    Ok(())
}

// The names of the locals around the call.
#[::topicast::ws_operation("payload")]
async fn payload(_: &::topicast::Cx<'_, App>, text: Vec) -> ::std::result::Result<(), ::topicast::Refusal> {
    drop(text);
    Ok(())
}

#[::topicast::ws_operation("cx")]
async fn cx(_: &::topicast::Cx<'_, App>) -> ::std::result::Result<(), ::topicast::Refusal> {
    Ok(())
}

pub struct App;

mod private {
    #[::topicast::ws_router(route = "inner", update = Update)]
    pub(super) struct Inner {
        pub(super) name: String,
    }

    #[::topicast::data]
    pub(super) struct Update {
        secret: u8,
    }
}

fn main() {
    // In a function, where nothing has a path.
    #[::topicast::data]
    struct Local {
        kind: Kind,
    }

    #[::topicast::data]
    enum Kind {
        One,
    }

    #[::topicast::ws_router(route = "local", update = Local)]
    struct Locals {
        kind: Kind,
    }

    #[::topicast::ws_push("pushed")]
    struct Pushed {
        local: Local,
    }

    let locals = Locals { kind: Kind::One };
    assert_eq!(::topicast::topic_of(&locals).unwrap(), r#"local:{"kind":"One"}"#);
    let s = <Served as ::std::default::Default>::default();
    assert_eq!(::topicast::topic_of(&s).unwrap(), r#"s:{"cx":{"items":[0]},"symbol":""}"#);
    let inner = private::Inner { name: String::new() };
    assert_eq!(::topicast::topic_of(&inner).unwrap(), r#"inner:{"name":""}"#);
    let _ = ::topicast::channels![App; Served, Locals, private::Inner];
    let _ = ::topicast::operations![App; text, payload, cx, Pushed];
    let _ = Pushed { local: Local { kind: Kind::One } };
}
