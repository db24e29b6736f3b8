//! The command line.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::args::MeasureArgs;
use crate::child;
use crate::load;
use crate::peer::{self, Peer};
use crate::plan;

/// Measures what fan-out over WebSockets costs, with topicast and with its peers
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = plan::listing())]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    measure: MeasureArgs,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Writes the report again from the results in a folder
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
        None => plan::run(&cli.measure),
        Some(Part::Report { folder }) => plan::report(&folder),
        Some(Part::Peer(peer)) => peer::run(&peer),
        Some(Part::Load { port }) => load::run(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)),
        Some(Part::Pinned { parent, cores, nice, words }) => child::become_pinned(parent, &cores, nice, &words),
    }
}
