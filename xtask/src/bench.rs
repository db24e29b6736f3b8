//! `cargo xtask bench`: the benchmark, built for speed and started.

use crate::Outcome;
use crate::tool::Tool;

/// Measure fan-out, with topicast and with its peers
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Arguments of the benchmark; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl Bench {
    /// Turns into `cargo run` of the benchmark.
    pub(crate) fn run(&self) -> Outcome {
        Tool::cargo(["run", "--release", "--package", "topicast-bench", "--"]).args(&self.arguments).become_it()
    }
}
