//! What a scan of JSON text finds without parsing it: brackets and numbers.

/// A part of a JSON text that stands outside strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// The start of an array or object.
    Open,
    /// The end of an array or object.
    Close,
    /// A number as it is written.
    Number(&'a str),
}

/// Returns the brackets and numbers of a text in order. A text that is not JSON gives any tokens.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            at += 1;
            match bytes[start] {
                b'"' => at = end_of_string(bytes, at),
                b'{' | b'[' => return Some(Token::Open),
                b'}' | b']' => return Some(Token::Close),
                b'-' | b'0'..=b'9' => {
                    at += bytes[at..].iter().take_while(|byte| is_number(**byte)).count();
                    return Some(Token::Number(&text[start..at]));
                }
                _ => {}
            }
        }
        None
    })
}

/// Returns the index after the closing quote of a string whose first character is at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn is_number(byte: u8) -> bool {
    matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_numbers_outside_strings_are_found() {
        let found: Vec<_> = tokens(r#"{"a[1":-1.5e+3,"\"{":[true,0]}"#).collect();
        let number = Token::Number;
        assert_eq!(found, [Token::Open, number("-1.5e+3"), Token::Open, number("0"), Token::Close, Token::Close]);
    }

    #[test]
    fn a_text_that_ends_early_ends_the_scan() {
        for text in ["\"", "\"\\", "[\"\\\"", "-", ""] {
            assert!(tokens(text).count() <= 1, "{text}");
        }
    }
}
