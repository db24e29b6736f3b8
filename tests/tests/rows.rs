//! Compares the keys and checksums of tables with the cases in `tests/contract`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use topicast::__private::{KeyError, RowKey, row_checksum};

#[derive(Deserialize)]
struct Keys {
    written: Vec<Written>,
    equal: Vec<Rows>,
    ascending: Vec<Rows>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Written {
    name: String,
    key: Vec<String>,
    row: Box<RawValue>,
    text: String,
}

#[derive(Deserialize)]
struct Rows {
    name: String,
    key: Vec<String>,
    rows: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    key: Vec<String>,
    row: Box<RawValue>,
    member: String,
}

fn keys() -> Keys {
    serde_json::from_str(include_str!("../contract/keys.json")).unwrap()
}

fn names(key: &[String]) -> Vec<&str> {
    key.iter().map(String::as_str).collect()
}

fn keys_of(Rows { key, rows, .. }: &Rows) -> Vec<RowKey> {
    rows.iter().map(|row| RowKey::from_json(&names(key), row.get()).unwrap()).collect()
}

#[test]
fn keys_are_written_as_the_contract_says() {
    let cases = keys().written;
    assert!(cases.len() >= 30);
    for Written { name, key, row, text } in cases {
        let names = names(&key);
        let written = |key: &RowKey| {
            let mut out = Vec::new();
            key.write(&names, &mut out);
            String::from_utf8(out).unwrap()
        };
        let of_text = RowKey::from_json(&names, row.get()).unwrap();
        assert_eq!(written(&of_text), text, "{name}");
        let of_value = RowKey::from_object(&names, &serde_json::from_str(row.get()).unwrap()).unwrap();
        assert_eq!(written(&of_value), text, "{name}");
        assert_eq!(RowKey::from_json(&names, &text).unwrap(), of_text, "{name}");
    }
}

#[test]
fn keys_are_equal_and_ordered_as_the_contract_says() {
    let Keys { equal, ascending, .. } = keys();
    for case in &equal {
        let keys = keys_of(case);
        assert!(keys.iter().all(|key| *key == keys[0]), "{}", case.name);
    }
    for case in &ascending {
        let keys = keys_of(case);
        assert!(keys.is_sorted_by(|one, other| one < other), "{}", case.name);
    }
}

#[test]
fn values_that_are_no_key_are_refused() {
    for Refused { name, key, row, member } in keys().refused {
        let error = RowKey::from_json(&names(&key), row.get()).unwrap_err();
        assert!(!matches!(error, KeyError::NotAnObject(_)), "{name}: {error}");
        assert!(error.to_string().contains(&format!("`{member}`")), "{name}: {error}");
    }
}

#[derive(Deserialize)]
struct Tables {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    key: Vec<String>,
    mismatch: Option<usize>,
    messages: Vec<(String, Payload)>,
    rows: Vec<(String, u32)>,
    checksum: u32,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    set: Vec<Box<RawValue>>,
    #[serde(default)]
    remove: Vec<Box<RawValue>>,
    checksum: Option<u32>,
}

fn sum(rows: &BTreeMap<RowKey, String>) -> u32 {
    rows.values().fold(0, |sum, row| sum.wrapping_add(row_checksum(row.as_bytes()).unwrap()))
}

#[test]
fn a_client_that_receives_the_messages_has_the_rows_and_the_checksum() {
    let cases: Tables = serde_json::from_str(include_str!("../contract/tables.json")).unwrap();
    assert!(cases.tables.len() >= 18);
    for Table { name, key, mismatch, messages, rows: expected, checksum } in cases.tables {
        let names = names(&key);
        let mut rows = BTreeMap::new();
        for (at, (kind, payload)) in messages.into_iter().enumerate() {
            if kind == "snapshot" {
                rows.clear();
            }
            for row in payload.set {
                rows.insert(RowKey::from_json(&names, row.get()).unwrap(), row.get().to_owned());
            }
            for key in payload.remove {
                rows.remove(&RowKey::from_json(&names, key.get()).unwrap());
            }
            if let Some(checksum) = payload.checksum {
                assert_eq!(sum(&rows) == checksum, mismatch != Some(at), "{name}, message {at}");
            }
        }
        assert_eq!(sum(&rows), checksum, "{name}");
        assert_eq!(rows.len(), expected.len(), "{name}");
        for (row, (text, crc)) in rows.values().zip(expected) {
            assert_eq!(row_checksum(row.as_bytes()).unwrap(), crc, "{name}: {text}");
            assert_eq!(row_checksum(text.as_bytes()).unwrap(), crc, "{name}: {text}");
        }
    }
}
