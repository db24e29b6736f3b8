//! The canonical topic: a text that every language computes byte for byte.

use serde::Serialize;
use serde_json::Value;

use crate::{
    Channel,
    declare::{
        strict::{self, Rules},
        tokens::{Token, tokens},
        topic_error::{MAX_DEPTH, MAX_SAFE_INTEGER, TopicError},
    },
};

/// Returns the topic of a channel's request.
///
/// # Errors
/// When the request has a value that has no canonical form; see [`TopicError`].
pub fn topic_of<C: Channel>(request: &C) -> Result<String, TopicError> {
    topic(C::FRAGMENT.route, request)
}

/// Returns the topic `{route}:{params}` of any serializable params.
///
/// The params are the JSON text that serde_json writes, with every null replaced by `""`, in
/// the form of RFC 8785 (`docs/protocol.md`, "Topic").
///
/// ```
/// let params = serde_json::json!({ "symbol": "AAPL", "resolution": "1" });
/// assert_eq!(topicast::topic("bars", &params).unwrap(), r#"bars:{"resolution":"1","symbol":"AAPL"}"#);
/// ```
///
/// # Errors
/// When the params have a value that has no canonical form; see [`TopicError`].
pub fn topic<T: Serialize + ?Sized>(route: &str, params: &T) -> Result<String, TopicError> {
    match (strict::check(params, Rules::Topic), serde_json::to_string(params)) {
        (Ok(()), Ok(text)) => topic_from_json(route, &text),
        (Err(refused), _) => Err(refused.what),
        (Ok(()), Err(error)) => Err(not_json(&error)),
    }
}

fn not_json(error: &serde_json::Error) -> TopicError {
    TopicError::NotJson(error.to_string())
}

/// Returns the topic of params that are already JSON text.
///
/// # Errors
/// When the text is not JSON or has a value that has no canonical form; see [`TopicError`].
pub fn topic_from_json(route: &str, params: &str) -> Result<String, TopicError> {
    check_tokens(params)?;
    let mut value: Value = serde_json::from_str(params).map_err(|error| TopicError::NotJson(error.to_string()))?;
    blank_nulls(&mut value);
    let params = serde_json_canonicalizer::to_string(&value).map_err(|error| TopicError::NotJson(error.to_string()))?;
    Ok(format!("{route}:{params}"))
}

/// Checks what a parser does not report: integers that it rounds, and depth.
///
/// The parser reports every other fault of the text.
fn check_tokens(text: &str) -> Result<(), TopicError> {
    let mut depth = 0_usize;
    for token in tokens(text) {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Number(number) => check_integer(number)?,
        }
        if depth > MAX_DEPTH {
            return Err(TopicError::TooDeep);
        }
    }
    Ok(())
}

fn check_integer(token: &str) -> Result<(), TopicError> {
    let digits = token.strip_prefix('-').unwrap_or(token);
    if digits.contains(['.', 'e', 'E']) {
        return Ok(());
    }
    match digits.parse::<u64>() {
        Ok(value) if value <= MAX_SAFE_INTEGER => Ok(()),
        _ => Err(TopicError::UnsafeInteger(token.to_owned())),
    }
}

fn blank_nulls(value: &mut Value) {
    match value {
        Value::Null => *value = Value::String(String::new()),
        Value::Array(items) => items.iter_mut().for_each(blank_nulls),
        Value::Object(members) => members.values_mut().for_each(blank_nulls),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(params: &impl Serialize, expected: Result<&str, &TopicError>) {
        let topic = topic("r", params);
        assert_eq!(topic.as_deref(), expected.map(str::to_owned).as_deref().map_err(|error| *error));
    }

    #[test]
    fn an_f32_is_the_number_it_prints_as() {
        check(&(0.1_f32,), Ok("r:[0.1]"));
        check(&(16_777_216_f32,), Ok("r:[16777216]"));
    }

    #[test]
    fn integers_are_held_to_what_a_double_can_hold() {
        check(&(MAX_SAFE_INTEGER,), Ok("r:[9007199254740991]"));
        check(&(-9_007_199_254_740_991_i64,), Ok("r:[-9007199254740991]"));
        check(&(MAX_SAFE_INTEGER + 1,), Err(&TopicError::UnsafeInteger("9007199254740992".into())));
        check(&(i64::MIN,), Err(&TopicError::UnsafeInteger("-9223372036854775808".into())));
        check(&(u128::MAX,), Err(&TopicError::UnsafeInteger(u128::MAX.to_string())));
        check(&(1e300,), Ok("r:[1e+300]"));
    }

    #[test]
    fn what_json_cannot_write_is_refused() {
        check(&(f64::NAN,), Err(&TopicError::NonFinite));
        check(&(f32::INFINITY,), Err(&TopicError::NonFinite));
        assert!(matches!(topic_from_json("r", r#"["\ud800"]"#), Err(TopicError::NotJson(_))));
        assert!(matches!(topic_from_json("r", "[1e400]"), Err(TopicError::NotJson(_))));
    }

    #[test]
    fn an_empty_option_would_share_its_topic_with_an_absent_one() {
        check(&json!({ "a": "", "b": null }), Ok(r#"r:{"a":"","b":""}"#));
        check(&(None::<&str>,), Ok(r#"r:[""]"#));
        check(&(Some("x"),), Ok(r#"r:["x"]"#));
        check(&(Some(""),), Err(&TopicError::EmptyOption));
        check(&[Some(vec![Some("")])], Err(&TopicError::EmptyOption));
    }

    #[test]
    fn a_hundred_levels_are_the_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(topic_from_json("r", &nested(MAX_DEPTH)).is_ok());
        assert_eq!(topic_from_json("r", &nested(MAX_DEPTH + 1)), Err(TopicError::TooDeep));
        assert_eq!(topic_from_json("r", &nested(100_000)), Err(TopicError::TooDeep));
    }

    #[test]
    fn brackets_and_digits_inside_strings_do_not_count() {
        let text = format!(r#"["{}\"99999999999999999999"]"#, "[".repeat(200));
        assert!(topic_from_json("r", &text).is_ok());
    }
}
