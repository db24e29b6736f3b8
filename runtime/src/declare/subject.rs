//! The field of a request that its replies echo: a string, number, boolean or unit enum.

use serde::Serialize;

/// A type whose values can be the subject of a channel.
///
/// The subject (`docs/protocol.md`, "Channels") is a string, a number, a boolean or an enum
/// of unit variants. [`#[data]`](crate::data) implements the trait for
/// such enums; a newtype of your own that serializes as one of these can implement it
/// by hand, with an empty body.
///
/// ```
/// /// A ticker that is stored in upper case.
/// #[topicast::data]
/// pub struct Symbol(String);
///
/// impl topicast::Subject for Symbol {}
///
/// #[topicast::data]
/// pub struct Quote { price: f64 }
///
/// #[topicast::ws_router(route = "quotes", update = Quote)]
/// pub struct Quotes { symbol: Symbol }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the subject of a channel",
    label = "the subject is a string, a number, a boolean or an enum of unit variants",
    note = "name another field with `subject = \"…\"`, or put `#[topicast::data]` on an enum of unit variants"
)]
pub trait Subject: Serialize {}

macro_rules! subjects {
    ($($t:ty)*) => { $(impl Subject for $t {})* };
}

subjects! { String bool char u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64 }

impl Subject for Box<str> {}
impl Subject for std::borrow::Cow<'static, str> {}

/// A subject as the server sends it.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectText {
    /// The JSON text, for the reply's member.
    pub json: String,
    /// The text in `Subscribed to …`: the string itself, or the JSON text of any other value.
    pub plain: String,
}

/// Renders the subject of a request. The expansion names the field's type, so that the compiler
/// reports an unsuitable type at the field.
#[doc(hidden)]
pub fn subject_text<T: Subject>(value: &T) -> Option<SubjectText> {
    let json = serde_json::to_string(value).ok()?;
    let plain = serde_json::from_str::<String>(&json).unwrap_or_else(|_| json.clone());
    Some(SubjectText { json, plain })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_named_without_quotes_and_echoed_with_them() {
        let text = subject_text(&"a\"b".to_owned()).unwrap();
        assert_eq!((text.json.as_str(), text.plain.as_str()), (r#""a\"b""#, "a\"b"));
        let text = subject_text(&7_u8).unwrap();
        assert_eq!((text.json.as_str(), text.plain.as_str()), ("7", "7"));
    }
}
