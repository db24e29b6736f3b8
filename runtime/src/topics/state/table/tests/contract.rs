//! The tables of `tests/contract`, made by a publisher.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::super::{Edit, Table, TableError};
use crate::declare::RowKey;

#[derive(Deserialize)]
struct Cases {
    tables: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    key: Vec<String>,
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
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    row: Box<RawValue>,
    member: String,
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("../../../../../../tests/contract/tables.json")).unwrap()
}

fn keyed(names: &[&str], row: &RawValue) -> (RowKey, Bytes) {
    (RowKey::from_json(names, row.get()).unwrap(), Bytes::copy_from_slice(row.get().as_bytes()))
}

#[test]
fn a_publisher_of_the_same_changes_has_the_same_rows_and_checksum() {
    let cases = cases().tables;
    assert!(cases.len() >= 18);
    for Case { name, key, messages, rows, checksum } in cases {
        let names: Vec<&'static str> = key.into_iter().map(|name| &*name.leak()).collect();
        let names: &'static [&'static str] = names.leak();
        let mut table = Table::new(names, true, 1 << 20, true);
        for (kind, Payload { set, remove }) in messages {
            let set = set.iter().map(|row| keyed(names, row));
            if kind == "snapshot" {
                table.replace(table.seq() + 1, set.collect()).unwrap();
                continue;
            }
            let set = set.map(|(key, row)| Edit::Set { key, row });
            let remove = remove.iter().map(|key| Edit::Remove { key: RowKey::from_json(names, key.get()).unwrap() });
            table.apply(table.seq() + 1, set.chain(remove).collect()).unwrap();
        }
        let snapshot: Value = serde_json::from_slice(&table.snapshot()).unwrap();
        assert_eq!(snapshot["checksum"], checksum, "{name}");
        let canonical = |text: &str| serde_json_canonicalizer::pipe(text).unwrap();
        let found: Vec<_> = table.rows().map(|(_, text)| canonical(std::str::from_utf8(text).unwrap())).collect();
        let expected: Vec<_> = rows.into_iter().map(|(text, _)| text).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_row_without_a_checksum_is_refused() {
    for Refused { name, row, member } in cases().refused {
        let mut table = Table::new(&["key"], true, 1 << 20, true);
        let edit = Edit::Set { key: RowKey::from_values(vec![1.into()]).unwrap(), row: row.get().to_owned().into() };
        let error = table.apply(1, vec![edit]).unwrap_err();
        assert!(matches!(error, TableError::Row { .. }), "{name}");
        assert!(error.to_string().contains(&format!("`{member}`")), "{name}: {error}");
    }
}
