//! Tests of tables: cases, and random changes compared with a model that keeps its whole history.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod contract;
mod model;

use model::{Client, Model};

const KEY: &[&str] = &["side", "price"];
const NO_LIMIT: usize = 1 << 20;

fn key(side: &str, price: f64) -> RowKey {
    RowKey::from_values(vec![json!(side), json!(price)]).unwrap()
}

fn row(side: &str, price: f64, volume: &str) -> Bytes {
    format!(r#"{{"side":{},"price":{},"volume":{volume}}}"#, json!(side), json!(price)).into()
}

fn set(side: &str, price: f64, volume: &str) -> Edit {
    Edit::Set { key: key(side, price), row: row(side, price, volume) }
}

fn remove(side: &str, price: f64) -> Edit {
    Edit::Remove { key: key(side, price) }
}

fn known(checksum: bool) -> Table {
    Table::new(KEY, checksum, NO_LIMIT, true)
}

#[track_caller]
fn apply(table: &mut Table, edits: Vec<Edit>, expected: Option<&str>) {
    let update = table.apply(table.seq() + 1, edits).unwrap();
    assert_eq!(update.map(|text| String::from_utf8(text).unwrap()).as_deref(), expected);
}

fn text(payload: Vec<u8>) -> String {
    String::from_utf8(payload).unwrap()
}

#[test]
fn an_update_has_what_changed_in_key_order() {
    let mut table = known(false);
    apply(
        &mut table,
        vec![set("bid", 10.0, "1"), set("ask", 2.5, "2"), set("bid", 9.0, "3")],
        Some(
            r#"{"set":[{"side":"ask","price":2.5,"volume":2},{"side":"bid","price":9.0,"volume":3},{"side":"bid","price":10.0,"volume":1}]}"#,
        ),
    );
    apply(
        &mut table,
        vec![remove("bid", 10.0), set("bid", 9.0, "4"), remove("ask", 2.5)],
        Some(
            r#"{"set":[{"side":"bid","price":9.0,"volume":4}],"remove":[{"side":"ask","price":2.5},{"side":"bid","price":10}]}"#,
        ),
    );
    apply(&mut table, vec![remove("bid", 9.0)], Some(r#"{"remove":[{"side":"bid","price":9}]}"#));
    assert_eq!((table.seq(), table.len()), (3, 0));
    assert_eq!(text(table.snapshot()), r#"{"set":[]}"#);
}

#[test]
fn a_change_of_nothing_takes_no_number() {
    let mut table = known(true);
    apply(&mut table, vec![], None);
    apply(&mut table, vec![remove("bid", 1.0)], None);
    apply(&mut table, vec![set("bid", 1.0, "1"), remove("bid", 1.0)], None);
    assert_eq!(table.seq(), 0);
    assert!(table.apply(1, vec![set("bid", 1.0, "1")]).unwrap().is_some());
    apply(&mut table, vec![set("bid", 1.0, "1")], None);
    apply(&mut table, vec![remove("bid", 1.0), set("bid", 1.0, "1")], None);
    assert!(table.replace(2, vec![(key("bid", 1.0), row("bid", 1.0, "1"))]).unwrap().is_none());
    assert_eq!(table.seq(), 1);
}

#[test]
fn the_checksum_describes_the_table_after_the_message() {
    let mut table = known(true);
    // zlib.crc32(b'{"price":1,"side":"bid","volume":0.30000000000000004}')
    let one = 0x3ea7_cd49_u32;
    // zlib.crc32(b'{"price":2,"side":"bid","volume":1e+21}')
    let two = 0x8b9e_4e49_u32;
    let both = one.wrapping_add(two);
    apply(
        &mut table,
        vec![set("bid", 1.0, "0.30000000000000004")],
        Some(&format!(r#"{{"set":[{{"side":"bid","price":1.0,"volume":0.30000000000000004}}],"checksum":{one}}}"#)),
    );
    apply(
        &mut table,
        vec![set("bid", 2.0, "1e21")],
        Some(&format!(r#"{{"set":[{{"side":"bid","price":2.0,"volume":1e21}}],"checksum":{both}}}"#)),
    );
    apply(
        &mut table,
        vec![remove("bid", 1.0)],
        Some(&format!(r#"{{"remove":[{{"side":"bid","price":1}}],"checksum":{two}}}"#)),
    );
    apply(&mut table, vec![remove("bid", 2.0)], Some(r#"{"remove":[{"side":"bid","price":2}],"checksum":0}"#));
    assert_eq!(text(table.snapshot()), r#"{"set":[],"checksum":0}"#);
}

#[test]
fn a_change_beyond_the_limit_fails_whole_and_names_the_size() {
    let row_bytes = row("bid", 1.0, "1").len();
    let limit = r#"{"set":[]}"#.len() + 2 * row_bytes + 1;
    let mut table = Table::new(KEY, false, limit, true);
    apply(&mut table, vec![set("bid", 1.0, "1"), set("bid", 2.0, "1")], Some(&text(full(&[1.0, 2.0]))));
    assert_eq!(table.snapshot().len(), limit);
    let error = table.apply(2, vec![remove("bid", 1.0), set("bid", 2.0, "1000"), set("bid", 3.0, "1")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the table's snapshot would have {} bytes, more than the limit of {limit}", limit + 3)
    );
    assert_eq!((table.seq(), text(table.snapshot())), (1, text(full(&[1.0, 2.0]))));
    assert_eq!(table.catch_up(0), CatchUp::Merged(full(&[1.0, 2.0])));
    assert!(table.apply(2, vec![remove("bid", 1.0), set("bid", 3.0, "1")]).unwrap().is_some());
}

/// The snapshot of bids at these prices.
fn full(prices: &[f64]) -> Vec<u8> {
    let rows: Vec<_> = prices.iter().map(|price| text(row("bid", *price, "1").to_vec())).collect();
    format!(r#"{{"set":[{}]}}"#, rows.join(",")).into()
}

#[test]
fn a_rounded_number_is_an_error_where_a_checksum_is_declared() {
    let wide = || vec![set("ask", 1.0, "1"), set("bid", 2.5, "0.1234567890123456789")];
    let mut table = known(true);
    let error = table.apply(1, wide()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row {\"side\":\"bid\",\"price\":2.5}: `volume` is 0.1234567890123456789, which has more than 15 significant \
         digits and is rounded by an IEEE double"
    );
    assert_eq!((table.seq(), table.len()), (0, 0));
    assert!(known(false).apply(1, wide()).unwrap().is_some());
}

#[test]
fn two_rows_with_one_key_are_refused() {
    let rows = || vec![(key("bid", -0.0), row("bid", -0.0, "1")), (key("bid", 0.0), row("bid", 0.0, "2"))];
    for mut table in [known(false), Table::new(KEY, false, NO_LIMIT, false)] {
        let error = table.replace(1, rows()).unwrap_err();
        assert_eq!(error.to_string(), r#"two rows have the key {"side":"bid","price":0}"#);
        assert_eq!(table.len(), 0);
    }
    let mut unknown = Table::new(KEY, false, NO_LIMIT, false);
    assert!(matches!(unknown.fill(rows()), Err(TableError::Duplicate { .. })));
    assert!(!unknown.is_known());
}

#[test]
fn what_changed_before_overrides_the_rows_of_the_hook() {
    let mut table = Table::new(KEY, false, NO_LIMIT, false);
    apply(
        &mut table,
        vec![set("bid", 1.0, "1"), remove("bid", 2.0)],
        Some(r#"{"set":[{"side":"bid","price":1.0,"volume":1}],"remove":[{"side":"bid","price":2}]}"#),
    );
    apply(&mut table, vec![remove("bid", 2.0)], None);
    assert!(!table.is_known() && !table.remembers(0) && !table.remembers(1));
    let hook = [(1.0, "7"), (2.0, "7"), (3.0, "7")];
    table.fill(hook.map(|(price, volume)| (key("bid", price), row("bid", price, volume))).into()).unwrap();
    let filled = r#"{"set":[{"side":"bid","price":1.0,"volume":1},{"side":"bid","price":3.0,"volume":7}]}"#;
    assert_eq!(text(table.snapshot()), filled);
    assert_eq!((table.is_known(), table.seq()), (true, 1));
    assert_eq!(table.catch_up(0), CatchUp::Snapshot(filled.into()));
    assert_eq!(table.catch_up(1), CatchUp::Nothing);
    table.fill(vec![(key("bid", 9.0), row("bid", 9.0, "9"))]).unwrap();
    assert_eq!(text(table.snapshot()), filled, "a known table ignores a hook that returns late");
}

#[test]
fn an_unknown_table_keeps_every_removal_for_the_hook() {
    let mut table = Table::new(KEY, false, NO_LIMIT, false);
    let prices: Vec<f64> = (0..2000).map(f64::from).collect();
    for price in &prices {
        assert!(table.apply(table.seq() + 1, vec![remove("bid", *price)]).unwrap().is_some());
    }
    table.fill(prices.iter().map(|price| (key("bid", *price), row("bid", *price, "1"))).collect()).unwrap();
    assert_eq!(table.len(), 0);
    assert_eq!(table.bytes(), 0, "a known table needs none of them");
}

#[test]
fn replace_makes_an_unknown_table_known() {
    let mut table = Table::new(KEY, false, NO_LIMIT, false);
    apply(
        &mut table,
        vec![set("bid", 1.0, "1"), remove("bid", 2.0)],
        Some(r#"{"set":[{"side":"bid","price":1.0,"volume":1}],"remove":[{"side":"bid","price":2}]}"#),
    );
    let update = table.replace(2, vec![(key("bid", 2.0), row("bid", 2.0, "1"))]).unwrap().unwrap();
    assert_eq!(text(update), r#"{"set":[{"side":"bid","price":2.0,"volume":1}],"remove":[{"side":"bid","price":1}]}"#);
    assert!(table.is_known() && table.remembers(2) && !table.remembers(1));
    let mut empty = Table::new(KEY, false, NO_LIMIT, false);
    assert!(empty.replace(1, Vec::new()).unwrap().is_none());
    assert_eq!((empty.is_known(), empty.seq(), empty.catch_up(0)), (true, 0, CatchUp::Nothing));
}

#[test]
fn removals_beyond_the_bound_are_forgotten_oldest_first() {
    let mut table = known(false);
    let bound = u32::try_from(SPARE_REMOVALS).unwrap();
    let all: Vec<Edit> = (0..=bound).map(|price| set("bid", f64::from(price), "1")).collect();
    table.apply(1, all).unwrap();
    for price in 0..bound {
        table.apply(table.seq() + 1, vec![remove("bid", f64::from(price))]).unwrap();
    }
    // One row is left, so one more than the bound would fit.
    assert!(table.remembers(0) && table.remembers(1));
    table.apply(table.seq() + 1, vec![remove("bid", f64::from(bound))]).unwrap();
    assert!(!table.remembers(1), "the removal of number 2 is forgotten");
    assert!(table.remembers(2));
    assert!(matches!(table.catch_up(1), CatchUp::Snapshot(_)));
    let removed = table.merged(2);
    assert_eq!(serde_json::from_slice::<Value>(&removed).unwrap()["remove"].as_array().unwrap().len(), 1024);
}

#[test]
fn removals_of_one_call_beyond_the_bound_still_reach_live_subscribers() {
    let mut table = known(false);
    let prices: Vec<f64> = (0..3000).map(f64::from).collect();
    table.apply(1, prices.iter().map(|price| set("bid", *price, "1")).collect()).unwrap();
    let update = table.apply(2, prices.iter().map(|price| remove("bid", *price)).collect()).unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&update).unwrap()["remove"].as_array().unwrap().len(), 3000);
    assert_eq!(table.catch_up(1), CatchUp::Snapshot(br#"{"set":[]}"#.to_vec()));
    assert_eq!(table.bytes(), 0);
}

#[test]
fn a_merged_update_larger_than_the_snapshot_gives_way_to_it() {
    let mut table = known(true);
    table.apply(1, vec![set("bid", 1.0, "1"), set("bid", 2.0, "1"), set("bid", 3.0, "1")]).unwrap();
    let before = table.clone();
    table.apply(2, vec![remove("bid", 1.0), remove("bid", 2.0)]).unwrap();
    assert_eq!(table.catch_up(0), CatchUp::Snapshot(table.snapshot()));
    assert_eq!(table.catch_up(1), CatchUp::Snapshot(table.snapshot()));
    assert!(table.remembers(1));
    assert_eq!(before.catch_up(0), CatchUp::Merged(before.snapshot()), "an equal size is no reason for a snapshot");
    assert_eq!(table.catch_up(9), CatchUp::Snapshot(table.snapshot()), "no number is ahead of the table's");
}

/// A change of the model and of the table.
#[derive(Debug, Clone)]
enum Step {
    Apply(Vec<(usize, Option<String>)>),
    /// Sets that many rows of other keys in one call, and removes them in the next.
    Churn(u32),
    Replace(Vec<(usize, String)>),
    Fill(Vec<(usize, String)>),
    Keep,
}

const SIDES: [&str; 4] = ["ask", "bid", "\u{1F600}", "\u{FB01}"];
const PRICES: [f64; 4] = [-0.0, 0.1 + 0.2, 1e21, 1e-7];
const KEYS: usize = SIDES.len() * PRICES.len();

fn pair(at: usize) -> (&'static str, f64) {
    (SIDES[at / PRICES.len()], PRICES[at % PRICES.len()])
}

fn any_volume() -> impl Strategy<Value = String> {
    let number = (0..3_u32).prop_map(|volume| volume.to_string());
    let wide = Just("0.1234567890123456789".to_owned());
    let padded = (0..60_usize).prop_map(|length| format!("\"{}\"", "é".repeat(length)));
    prop_oneof![20 => number, 1 => wide, 5 => padded]
}

fn any_step() -> impl Strategy<Value = Step> {
    let rows = |most| prop::collection::vec((0..KEYS, any_volume()), 0..most);
    let edit = (0..KEYS, prop::option::weighted(0.6, any_volume()));
    prop_oneof![
        24 => prop::collection::vec(edit, 0..6).prop_map(Step::Apply),
        1 => prop_oneof![4 => 0..40_u32, 1 => 1000..1100_u32].prop_map(Step::Churn),
        3 => rows(5).prop_map(Step::Replace),
        2 => rows(5).prop_map(Step::Fill),
        2 => Just(Step::Keep),
    ]
}

/// A version of the table that is kept, with what it showed.
struct Kept {
    version: Table,
    model: Model,
}

fn compare(table: &Table, model: &Model) {
    assert_eq!(table.seq(), model.seq());
    assert_eq!(table.is_known(), model.is_known);
    assert_eq!(table.len(), model.rows().len());
    assert!(table.rows().map(|(key, text)| (key, &text[..])).eq(model.rows().iter().map(|(k, t)| (k, t.as_bytes()))));
    assert!(model.rows().iter().all(|(key, text)| table.get(key).is_some_and(|found| found == text)));
    assert_eq!(table.bytes(), model.bytes());
    assert_eq!(text(table.snapshot()), model.snapshot());
    assert!(model.snapshot_size() <= model.max_bytes);
}

/// Compares what subscribers receive, for every number that one of them may have.
fn compare_catch_ups(table: &Table, model: &Model) {
    for from in 0..=table.seq() + 1 {
        let remembers = model.remembers(from);
        assert_eq!(table.remembers(from), remembers, "from {from}");
        let merged = remembers.then(|| model.merged(from));
        if let Some(merged) = &merged {
            assert_eq!(&text(table.merged(from)), merged, "from {from}");
        }
        let snapshot = model.snapshot();
        let expected = match merged {
            _ if model.is_known && from == model.seq() => CatchUp::Nothing,
            Some(merged) if merged.len() <= snapshot.len() => CatchUp::Merged(merged.into()),
            _ => CatchUp::Snapshot(snapshot.into()),
        };
        let found = table.catch_up(from);
        assert_eq!(found, expected, "from {from}");
        let Some(state) = model.state_at(from) else { continue };
        let client = Client::new(KEY, state);
        if remembers {
            client.clone().ends_with(&text(table.merged(from)), false, model);
        }
        match found {
            CatchUp::Nothing => assert_eq!(client.rows(), &model.canonical_rows()),
            CatchUp::Merged(payload) => client.ends_with(&text(payload), false, model),
            CatchUp::Snapshot(payload) => client.ends_with(&text(payload), true, model),
        }
    }
}

fn run(steps: Vec<Step>, checksum: bool, max_bytes: usize, is_known: bool) {
    let mut table = Table::new(KEY, checksum, max_bytes, is_known);
    let mut model = Model::new(KEY, checksum, max_bytes, is_known);
    let mut kept = Vec::new();
    let keyed = |rows: &[(usize, String)]| -> Vec<(RowKey, Bytes)> {
        let keyed = |(at, volume): &(usize, String)| {
            let (side, price) = pair(*at);
            (key(side, price), row(side, price, volume))
        };
        rows.iter().map(keyed).collect()
    };
    let mut live = Client::new(KEY, &BTreeMap::new());
    for step in steps {
        let mut calls = Vec::new();
        match step {
            Step::Apply(edits) => calls.push(
                edits
                    .iter()
                    .map(|(at, volume)| {
                        let (side, price) = pair(*at);
                        volume.as_ref().map_or_else(|| remove(side, price), |volume| set(side, price, volume))
                    })
                    .collect(),
            ),
            Step::Churn(count) => {
                calls.push((0..count).map(|price| set("churn", f64::from(price), "1")).collect());
                calls.push((0..count).map(|price| remove("churn", f64::from(price))).collect());
            }
            Step::Replace(rows) => {
                let was_known = table.is_known();
                let found = table.replace(table.seq() + 1, keyed(&rows));
                let expected = model.replace(keyed(&rows));
                assert_eq!(found.as_ref().is_ok(), expected.is_ok(), "{found:?}");
                assert_eq!(found.ok().flatten().map(text), expected.ok().flatten());
                if !was_known && table.is_known() {
                    live = Client::new(KEY, &BTreeMap::new());
                    live.receives(&text(table.snapshot()), true);
                } else if let Some(update) = model.last_update() {
                    live.receives(&update, false);
                }
            }
            Step::Fill(rows) => {
                let was_known = table.is_known();
                assert_eq!(table.fill(keyed(&rows)).is_ok(), model.fill(keyed(&rows)).is_ok());
                if !was_known && table.is_known() {
                    live.receives(&text(table.snapshot()), true);
                }
            }
            Step::Keep => kept.push(Kept { version: table.clone(), model: model.clone() }),
        }
        for edits in calls {
            let edits: Vec<Edit> = edits;
            let found = table.apply(table.seq() + 1, edits.clone());
            let expected = model.apply(&edits);
            assert_eq!(found.is_ok(), expected.is_ok(), "{found:?}");
            let found = found.ok().flatten().map(text);
            assert_eq!(found, expected.ok().flatten());
            if let Some(update) = found.filter(|_| table.is_known()) {
                live.receives(&update, false);
            }
            compare(&table, &model);
        }
        compare(&table, &model);
        if table.is_known() {
            assert_eq!(live.rows(), &model.canonical_rows(), "a client that receives every message");
        }
    }
    compare_catch_ups(&table, &model);
    for Kept { version, model } in kept {
        compare(&version, &model);
        compare_catch_ups(&version, &model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_changes_are_those_of_the_model(
        steps in prop::collection::vec(any_step(), 0..20),
        checksum in any::<bool>(),
        max_bytes in prop::sample::select(vec![10, 150, 600, NO_LIMIT]),
        is_known in any::<bool>(),
    ) {
        run(steps, checksum, max_bytes, is_known);
    }
}
