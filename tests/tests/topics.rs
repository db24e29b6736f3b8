//! Compares topics with the cases in `tests/contract`, and with those of another language on random
//! JSON.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Case {
    name: String,
    route: String,
    params: Box<RawValue>,
    topic: String,
}

#[test]
fn the_cases_of_the_contract() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../contract/topics.json")).unwrap();
    assert!(cases.len() >= 14);
    for Case { name, route, params, topic } in cases {
        assert_eq!(topicast::topic_from_json(&route, params.get()).as_deref(), Ok(&*topic), "{name}");
        let value: serde_json::Value = serde_json::from_str(params.get()).unwrap();
        assert_eq!(topicast::topic(&route, &value).as_deref(), Ok(&*topic), "{name}");
    }
}

/// The number of random params that a run compares with Node.
const RANDOM_CASES: usize = 10_000;

/// A document as text, so that the test includes the parser.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        any_string(),
        any_number(),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::btree_map(any_string(), inner, 0..6).prop_map(|members| object(members.into_iter())),
        ]
    })
}

fn object(members: impl Iterator<Item = (String, String)>) -> String {
    // Differently escaped keys may be equal, and parsers treat duplicate keys differently.
    let mut seen = std::collections::HashSet::new();
    let members: Vec<String> = members
        .filter(|(key, _)| match serde_json::from_str::<String>(key) {
            Ok(key) => seen.insert(key),
            Err(_) => true,
        })
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Generates strings whose UTF-16 order differs from the order of code points, escapes and lone
/// surrogates.
fn any_string() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => "[a-zA-Z_0-9]".prop_map(|text| text),
        2 => prop::sample::select(vec!["\u{1F600}", "\u{10FFFF}", "\u{FFFD}", "\u{E000}", "\u{FB01}", "é", "€", "\u{7f}", "\u{2028}", "/"])
            .prop_map(str::to_owned),
        1 => any::<char>().prop_filter("written as an escape", |c| *c >= ' ' && *c != '"' && *c != '\\').prop_map(String::from),
        2 => prop::sample::select(vec!["\\n", "\\\"", "\\\\", "\\u0000", "\\u001f", "\\u20ac", "\\ud83d\\ude00", "\\/", "\\b"])
            .prop_map(str::to_owned),
    ];
    let text = prop::collection::vec(character, 0..6).prop_map(|parts| format!("\"{}\"", parts.concat()));
    prop_oneof![60 => text, 1 => Just("\"\\ud800\"".to_owned()), 1 => Just("\"\\ude00x\"".to_owned())]
}

fn any_number() -> impl Strategy<Value = String> {
    let edges = [
        "0",
        "-0",
        "-0.0",
        "0e0",
        "1.0",
        "1e21",
        "1e20",
        "999999999999999900000",
        "1e-6",
        "1e-7",
        "0.000001",
        "5e-324",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1e309",
        "-1e400",
        "9007199254740991",
        "9007199254740992",
        "-9007199254740991",
        "-9007199254740992",
        "9007199254740993.0",
        "18446744073709551616",
        "1E5",
        "1e+5",
        "4.35",
        "0.1",
        "333333333.33333329",
        "1e23",
        "9.5e-7",
        "123456789012345680000.5",
    ];
    prop_oneof![
        3 => prop::sample::select(edges.to_vec()).prop_map(str::to_owned),
        2 => any::<i32>().prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        2 => any::<u64>().prop_map(f64::from_bits).prop_filter("JSON has finite numbers", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        1 => any::<f64>().prop_map(|number| format!("{number:?}")),
        1 => (any::<i32>(), 0_u32..12).prop_map(|(digits, exponent)| format!("{digits}.{digits:010}e{exponent}").replace(".-", ".")),
    ]
}

/// Generates params: an object, which sometimes contains a value at the maximum depth or one level
/// deeper.
fn any_params() -> impl Strategy<Value = String> {
    let deep = (95_usize..105, any::<bool>()).prop_map(|(depth, arrays)| {
        let (open, close) = if arrays { ("[", "]") } else { ("{\"k\":", "}") };
        format!("{{\"deep\":{}null{}}}", open.repeat(depth), close.repeat(depth))
    });
    let members =
        prop::collection::btree_map(any_string(), any_json(), 0..6).prop_map(|members| object(members.into_iter()));
    prop_oneof![30 => members, 1 => deep]
}

#[derive(Deserialize)]
struct Verdict {
    topic: Option<String>,
    refused: Option<String>,
}

#[test]
fn rust_and_node_agree_on_random_params() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/node/topic.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node 20 or later is on the path");
    let seed = std::env::var("TOPIC_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() });
    let strategy = any_params();
    let cases: Vec<String> =
        (0..RANDOM_CASES).map(|_| strategy.new_tree(&mut runner).expect("no case is rejected").current()).collect();

    let mut input = node.stdin.take().unwrap();
    let lines: Vec<String> = cases.iter().map(|params| format!("{{\"route\":\"r\",\"params\":{params}}}\n")).collect();
    let writing = std::thread::spawn(move || lines.iter().try_for_each(|line| input.write_all(line.as_bytes())));
    let output = BufReader::new(node.stdout.take().unwrap());
    let (mut compared, mut refused) = (0, 0);
    for (line, params) in output.lines().zip(&cases) {
        let node: Verdict = serde_json::from_str(&line.unwrap()).unwrap();
        let rust = topicast::topic_from_json("r", params);
        match (&node.topic, &rust) {
            (Some(theirs), Ok(ours)) => assert_eq!(theirs, ours, "TOPIC_SEED={seed}: {params}"),
            (None, Err(_)) => refused += 1,
            _ => panic!("TOPIC_SEED={seed}: node says {:?}/{:?}, rust {rust:?}: {params}", node.topic, node.refused),
        }
        compared += 1;
    }
    writing.join().unwrap().unwrap();
    assert!(node.wait().unwrap().success());
    assert_eq!(compared, RANDOM_CASES);
    assert!(refused > 0 && refused < RANDOM_CASES / 2, "{refused} of {RANDOM_CASES} were refused");
}
