//! The schema by way of the mirror is what schemars' own derive makes of the same type.

#![deny(warnings)]
#![allow(dead_code, deprecated)]

use topicast::schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

macro_rules! twice {
    ($($item:item)*) => {
        mod ours {
            $(#[topicast::data] $item)*
        }
        mod direct {
            $(
                #[derive(topicast::serde::Serialize, topicast::serde::Deserialize, topicast::schemars::JsonSchema)]
                #[serde(crate = "topicast::serde")]
                #[schemars(crate = "topicast::schemars")]
                $item
            )*
        }
    };
}

twice! {
    /// A title.
    ///
    /// A description with `code`.
    #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
    #[derive(Default)]
    pub struct Fields {
        /// A field.
        #[schemars(length(min = 1, max = 5), title = "Symbol")]
        pub symbol_name: String,
        pub number: Option<u32>,
        #[deprecated]
        pub old: f64,
        #[serde(skip)]
        pub hidden: u8,
        pub(crate) part: Part,
        #[cfg(any())]
        pub never: Missing,
    }

    #[schemars(rename = "Piece", extend("x-part" = true))]
    #[derive(Default)]
    pub struct Part {
        #[serde(default = "super::seven")]
        pub seven: u8,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub some: Option<u8>,
        pub tree: Vec<Self>,
        #[serde(flatten)]
        pub more: std::collections::BTreeMap<String, u8>,
    }

    #[serde(rename = "Named")]
    pub enum Outer {
        /// Unit.
        Unit,
        Newtype(Part),
        Tuple(u8, String),
        #[serde(rename_all = "UPPERCASE")]
        Struct { inner: Inner, #[serde(default)] flag: bool },
    }

    #[serde(tag = "kind", content = "of", rename_all = "snake_case")]
    pub enum Inner {
        FirstOne,
        Second(u8),
    }

    #[serde(untagged)]
    pub enum Untagged {
        Number(f64),
        Text { text: String },
    }

    #[serde(from = "u8", into = "u8")]
    #[derive(Clone)]
    pub struct Converted {
        pub value: u8,
    }

    /// Transparent.
    #[serde(transparent)]
    pub struct Optional(Option<u8>);

    #[schemars(inline)]
    pub struct Inlined {
        pub optional: Optional,
        pub unit: Unit,
    }

    pub struct Unit;

    #[schemars(extend("x-of" = crate::seven()))]
    pub struct Generic<T, const N: usize> {
        pub items: Vec<T>,
        pub inlined: Inlined,
    }

    pub struct Borrowed<'a> {
        pub text: std::borrow::Cow<'a, str>,
    }
}

macro_rules! conversions {
    ($($module:ident)*) => {
        $(
            impl From<u8> for $module::Converted {
                fn from(value: u8) -> Self {
                    Self { value }
                }
            }

            impl From<$module::Converted> for u8 {
                fn from(value: $module::Converted) -> Self {
                    value.value
                }
            }
        )*
    };
}

conversions! { ours direct }

fn seven() -> u8 {
    7
}

fn schemas<T: JsonSchema>() -> [Schema; 2] {
    let settings = SchemaSettings::draft2020_12();
    let [read, written] = [settings.clone().for_deserialize(), settings.for_serialize()];
    [read, written].map(|settings| SchemaGenerator::new(settings).into_root_schema_for::<T>())
}

macro_rules! check {
    ($($name:ident $(<$($argument:tt),*>)?),*) => {
        $(
            assert_eq!(
                schemas::<ours::$name $(<$($argument),*>)?>(),
                schemas::<direct::$name $(<$($argument),*>)?>(),
                stringify!($name),
            );
        )*
    };
}

/// schemars does not know of aliases; ours are told, for the documents.
#[topicast::data]
struct Aliased {
    #[serde(default, alias = "n", alias = "no")]
    number: u32,
}

fn main() {
    let [read, _] = schemas::<Aliased>();
    let aliases = read.pointer("/properties/number/x-aliases").map(ToString::to_string);
    assert_eq!(aliases.as_deref(), Some(r#"["n","no"]"#));

    check!(Fields, Part, Outer, Inner, Untagged, Converted, Optional, Inlined, Unit, Generic<u8, 3>, Borrowed<'static>);
    let ids = [ours::Part::schema_id(), ours::Generic::<u8, 3>::schema_id()];
    assert!(ids[0].ends_with("::ours::Piece") && ids[1].contains("::ours::Generic"), "{ids:?}");
}
