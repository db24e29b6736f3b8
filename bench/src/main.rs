//! A benchmark of WebSocket fan-out that anyone can rerun; `README.md` says what is measured and how.

mod cli;
mod plan;
mod report;
mod versus;
mod targets;
mod plot;
mod table;
mod machine;
mod args;
mod run;
mod flood;
mod slow;
mod storm;
mod returning;
mod conflate;
mod retain;
mod cell;
mod load_process;
mod contestant;
mod workload;
mod result;
mod kernel;
mod child;
mod peer;
mod load;
mod message;
mod wire;
mod schedule;
mod clock;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("topicast-bench: {message}");
            ExitCode::FAILURE
        }
    }
}
