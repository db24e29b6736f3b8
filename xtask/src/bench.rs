//! `cargo xtask bench`: the benchmark, built for speed and started.

use crate::Outcome;
use crate::tool::Tool;

/// Turns into `cargo run` of the benchmark; its arguments may stand behind dashes.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let own = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    Tool::cargo(["run", "--release", "--package", "topicast-bench", "--"]).args(own).become_it()
}
