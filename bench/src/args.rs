//! The arguments that select what to measure.

use std::path::PathBuf;

use clap::Args;

/// What to measure
#[derive(Debug, Args)]
pub(crate) struct MeasureArgs {
    /// Only these workloads, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) workload: Vec<String>,
    /// Only these peers, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) peer: Vec<String>,
    /// Number of rounds, in which the peers take turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Seconds to measure, instead of each workload's own
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Measure one round for a third of the time, as a check
    #[arg(long)]
    pub(crate) quick: bool,
    /// Folder for the results
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Add to the results in the folder, replacing the same workloads and peers
    #[arg(long)]
    pub(crate) append: bool,
    /// Measure another build of this benchmark in turn, and compare the own peers of both
    #[arg(long, value_name = "BINARY")]
    pub(crate) against: Option<PathBuf>,
    /// Do not count sending calls
    #[arg(long)]
    pub(crate) no_calls: bool,
    /// Core for servers; the last one if absent
    #[arg(long)]
    pub(crate) server_core: Option<usize>,
    /// Core for the load client
    #[arg(long, default_value_t = 0)]
    pub(crate) load_core: usize,
    /// List workloads and peers
    #[arg(long)]
    pub(crate) list: bool,
}
