//! The reasons why a value has no canonical topic, and the bounds on topics.

use std::fmt;

/// The largest integer that every language represents exactly: 2^53 − 1.
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The maximum depth of params; the object itself is depth 1.
pub const MAX_DEPTH: usize = 100;

/// The reason why params have no topic.
///
/// ```
/// use topicast::TopicError;
///
/// #[topicast::data]
/// pub struct Fill { price: f64 }
///
/// #[topicast::ws_router(route = "fills", update = Fill)]
/// pub struct Fills { order: u64, symbol: Option<String> }
///
/// let too_large = Fills { order: u64::MAX, symbol: None };
/// assert_eq!(topicast::topic_of(&too_large), Err(TopicError::UnsafeInteger(u64::MAX.to_string())));
/// let ambiguous = Fills { order: 1, symbol: Some(String::new()) };
/// assert_eq!(topicast::topic_of(&ambiguous), Err(TopicError::EmptyOption));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicError {
    /// An integer that a double cannot represent. Canonicalizers would round it silently,
    /// so that two requests would share one topic.
    UnsafeInteger(String),
    /// NaN or an infinity, which JSON cannot write.
    NonFinite,
    /// `Some("")`, which would share its topic with `None`.
    EmptyOption,
    /// Arrays and objects nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// The params do not serialize, or the text is not JSON. A lone surrogate is such a text.
    NotJson(String),
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsafeInteger(token) => {
                write!(f, "integer {token} is outside ±{MAX_SAFE_INTEGER}, the range that every client can represent")
            }
            Self::NonFinite => f.write_str("a number is not finite; JSON has no NaN and no infinity"),
            Self::EmptyOption => f.write_str("an optional field is \"\"; leave it out or give it a text"),
            Self::TooDeep => write!(f, "arrays and objects are nested deeper than {MAX_DEPTH}"),
            Self::NotJson(error) => write!(f, "not JSON: {error}"),
        }
    }
}

impl std::error::Error for TopicError {}
