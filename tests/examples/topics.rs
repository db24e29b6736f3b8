//! Rust's topics for other languages to compare with: lines of JSON in, lines of JSON out.
//!
//! A line is `{"route", "params"}`; the answer is `{"topic"}`, or `{"refused"}` with the reason.

use std::io::{BufRead, Write, stdin, stdout};

use serde::Deserialize;
use serde_json::{json, value::RawValue};

#[derive(Deserialize)]
struct Case {
    route: String,
    params: Box<RawValue>,
}

fn main() -> std::io::Result<()> {
    let mut output = stdout().lock();
    for line in stdin().lock().lines() {
        let answer = match serde_json::from_str::<Case>(&line?) {
            Ok(Case { route, params }) => match topicast::topic_from_json(&route, params.get()) {
                Ok(topic) => json!({ "topic": topic }),
                Err(error) => json!({ "refused": error.to_string() }),
            },
            Err(error) => json!({ "refused": error.to_string() }),
        };
        writeln!(output, "{answer}")?;
    }
    Ok(())
}
