//! `cargo xtask bench`: the benchmark, built for speed and started.

use crate::Outcome;
use crate::tool::Tool;

/// The workloads, each described in `bench/README.md`.
const WORKLOADS: &str = "Workloads: trickle, burst, wide, crowd, idle, slow, storm, storm-quiet, flood, half, shards, \
                         return, conflate, retain. `cargo xtask bench -- --list` says what each is.";

/// Measure fan-out, with topicast and with its peers
#[derive(clap::Args)]
#[command(after_help = WORKLOADS)]
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

#[cfg(test)]
mod tests {
    use crate::project;

    #[test]
    fn the_help_names_every_workload() {
        let help = crate::parse("bench --help").err().unwrap();
        let source = std::fs::read_to_string(project::root().join("bench/src/workload.rs")).unwrap();
        let source = source.split("static SHORT").next().unwrap();
        let names: Vec<&str> = source.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            assert!(help.contains(name), "{name} is missing: {help}");
        }
    }
}
