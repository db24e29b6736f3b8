//! What a row adds to the checksum of its table (`docs/protocol.md`, "Checksums").

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};
use thiserror::Error;

use crate::declare::{
    decimal,
    tokens::{Token, tokens},
};

/// The reason why a row has no checksum that every client computes.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChecksumError {
    /// An IEEE double does not represent a number of the row.
    #[error("`{member}` is {number}, which has more than 15 significant digits and is rounded by an IEEE double")]
    Rounded {
        /// The path of the number in the row: `levels[3].price`.
        member: String,
        /// The number as it is written.
        number: String,
    },
    /// The row is not JSON.
    #[error("not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

/// Returns the CRC-32 (IEEE 802.3) of a row's text in the form of RFC 8785.
///
/// A table's checksum is the sum of this number over its rows, modulo 2^32.
///
/// # Errors
/// When the row is not JSON or has a number that a double rounds.
pub fn row_checksum(row: &[u8]) -> Result<u32, ChecksumError> {
    let row: &RawValue = serde_json::from_slice(row)?;
    let is_rounded = |token| matches!(token, Token::Number(number) if decimal::double(number).is_none());
    if tokens(row.get()).any(is_rounded) {
        find_rounded(row, &mut String::new())?;
    }
    let row: Value = serde_json::from_str(row.get())?;
    Ok(crc32fast::hash(&serde_json_canonicalizer::to_vec(&row)?))
}

/// Finds the number that a double rounds, with its path. Finds none if another member of the same
/// name, which parsers prefer, replaces it.
#[cold]
fn find_rounded(value: &RawValue, path: &mut String) -> Result<(), ChecksumError> {
    let text = value.get();
    let length = path.len();
    match text.as_bytes().first() {
        Some(b'{') => {
            for (name, value) in serde_json::from_str::<BTreeMap<String, &RawValue>>(text)? {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(&name);
                find_rounded(value, path)?;
                path.truncate(length);
            }
        }
        Some(b'[') => {
            for (at, value) in serde_json::from_str::<Vec<&RawValue>>(text)?.into_iter().enumerate() {
                path.push_str(&format!("[{at}]"));
                find_rounded(value, path)?;
                path.truncate(length);
            }
        }
        Some(b'-' | b'0'..=b'9') if decimal::double(text).is_none() => {
            return Err(ChecksumError::Rounded { member: path.clone(), number: text.to_owned() });
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_canonical_form_have_one_checksum() {
        // zlib.crc32(b'{"a":1,"b":[0.30000000000000004,0]}')
        let expected = 0x0278_1076;
        for row in [
            r#"{"a":1,"b":[0.30000000000000004,0]}"#,
            r#"{ "b": [3.0000000000000004E-1, -0], "a": 1.000 }"#,
            r#"{"\u0061":1e0,"b":[0.300000000000000040,-0.0]}"#,
        ] {
            assert_eq!(row_checksum(row.as_bytes()).unwrap(), expected, "{row}");
        }
    }

    #[test]
    fn a_rounded_number_is_named_with_its_path() {
        let refused = |row: &str| row_checksum(row.as_bytes()).unwrap_err().to_string();
        let rounded = "which has more than 15 significant digits and is rounded by an IEEE double";
        assert_eq!(
            refused(r#"{"id":1,"sums":[{"v":2},{"v":0.1234567890123456789}]}"#),
            format!("`sums[1].v` is 0.1234567890123456789, {rounded}")
        );
        assert_eq!(refused(r#"{"id":18446744073709551615}"#), format!("`id` is 18446744073709551615, {rounded}"));
        assert!(refused(r#"{"id":1e400}"#).contains("`id` is 1e400"));
    }

    #[test]
    fn digits_in_strings_and_replaced_members_do_not_count() {
        assert!(row_checksum(br#"{"id":"0.1234567890123456789"}"#).is_ok());
        let replaced = row_checksum(br#"{"id":0.1234567890123456789,"id":1}"#).unwrap();
        assert_eq!(replaced, row_checksum(br#"{"id":1}"#).unwrap());
    }

    #[test]
    fn text_that_is_not_json_has_no_checksum() {
        for row in ["", "{", r#"{"a":"\ud800"}"#, "{1e400", "{\"a\":1e400e}"] {
            assert!(matches!(row_checksum(row.as_bytes()), Err(ChecksumError::NotJson(_))), "{row}");
        }
        assert!(matches!(row_checksum(b"\"\xff\""), Err(ChecksumError::NotJson(_))));
    }
}
