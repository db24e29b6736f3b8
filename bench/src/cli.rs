//! The command line.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::child;
use crate::load;
use crate::peer::{self, Peer};
use crate::plan;

/// Measures what fan-out over WebSockets costs, with topicast and with its peers
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    plan: Plan,
}

/// What is to be measured
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Only these workloads, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) workload: Vec<String>,
    /// Only these peers, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) peer: Vec<String>,
    /// How often everything is measured, the peers taking turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// How many seconds are measured, instead of each workload's own
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// A third of the time and one round, to see whether all is well
    #[arg(long)]
    pub(crate) quick: bool,
    /// The folder that the results are written to
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Adds to the results that are in the folder, replacing those of the same workloads and peers
    #[arg(long)]
    pub(crate) append: bool,
    /// Does not count sending calls
    #[arg(long)]
    pub(crate) no_calls: bool,
    /// The core that servers run on; the last one if absent
    #[arg(long)]
    pub(crate) server_core: Option<usize>,
    /// The core that the load runs on
    #[arg(long, default_value_t = 0)]
    pub(crate) load_core: usize,
    /// Lists workloads and peers
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Writes the report anew from the results in a folder
    Report { folder: PathBuf },
    /// A server
    #[command(subcommand, hide = true)]
    Peer(Peer),
    /// The load client of a server on this port
    #[command(hide = true)]
    Load { port: u16 },
    /// Pins itself to cores, and becomes a program that ends with its parent
    #[command(hide = true)]
    Pinned {
        parent: u32,
        cores: String,
        #[arg(allow_negative_numbers = true)]
        nice: i32,
        #[arg(last = true)]
        words: Vec<String>,
    },
}

pub(crate) fn run() -> Result<(), String> {
    let cli = Cli::parse();
    match cli.part {
        None => plan::run(&cli.plan),
        Some(Part::Report { folder }) => plan::report(&folder),
        Some(Part::Peer(peer)) => peer::run(&peer),
        Some(Part::Load { port }) => load::run(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)),
        Some(Part::Pinned { parent, cores, nice, words }) => child::become_pinned(parent, &cores, nice, &words),
    }
}
