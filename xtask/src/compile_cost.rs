//! The cost of compiling a channel, beyond the derives of its types.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::project;

/// The limit for a channel's share of a debug build, in milliseconds.
const LIMIT: f64 = 25.0;

/// The number of channels of the larger crates.
const MANY: u32 = 100;

/// How often each crate is built; the median is used.
const ROUNDS: usize = 5;

/// A generated crate and its build times.
struct Subject {
    folder: PathBuf,
    source: String,
    times: Vec<Duration>,
}

/// Measure what a channel adds to a debug build, and fail where it is too much
#[derive(clap::Args)]
pub(crate) struct CompileCost {}

impl CompileCost {
    #[expect(clippy::unused_self, reason = "as of every command")]
    pub(crate) fn run(&self) -> Outcome {
        measure()
    }
}

/// Builds crates of 1 and 100 channels, and the same with the derives alone, and compares.
fn measure() -> Outcome {
    let folder = project::root().join("target/compile-cost");
    let mut subjects = [
        Subject::write(&folder, "channels-1", channels(1))?,
        Subject::write(&folder, "channels-many", channels(MANY))?,
        Subject::write(&folder, "derives-1", derives(1))?,
        Subject::write(&folder, "derives-many", derives(MANY))?,
    ];
    for subject in &subjects {
        subject.build(0)?;
    }
    // In turns, so that other load on the machine affects all of them alike.
    for round in 1..=ROUNDS {
        for subject in &mut subjects {
            let took = subject.build(round)?;
            subject.times.push(took);
        }
    }
    let [one, many, one_derived, many_derived] = subjects.each_ref().map(Subject::median);
    let each = |one: f64, many: f64| (many - one) / f64::from(MANY - 1);
    let (channel, derived) = (each(one, many), each(one_derived, many_derived));
    let cost = channel - derived;
    println!("debug builds, median of {ROUNDS}: of 1 channel {one:.0} ms, of {MANY} channels {many:.0} ms;");
    println!("with the derives alone {one_derived:.0} ms and {many_derived:.0} ms");
    println!(
        "a channel: {channel:.1} ms, of which its derives {derived:.1} ms: {cost:.1} ms beyond (limit {LIMIT} ms)"
    );
    if cost > LIMIT {
        Err(format!("a channel costs {cost:.1} ms beyond its derives; at most {LIMIT} ms are allowed"))
    } else {
        Ok(())
    }
}

impl Subject {
    fn write(folder: &Path, name: &str, source: String) -> Outcome<Self> {
        let folder = folder.join(name);
        let root = project::root();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\ntopicast = {{ path = {:?} }}\n",
            root.join("runtime"),
        );
        fs::create_dir_all(folder.join("src")).map_err(|error| failed(&folder, &error))?;
        write(&folder.join("Cargo.toml"), &manifest)?;
        let lock = folder.join("Cargo.lock");
        fs::copy(root.join("Cargo.lock"), &lock).map_err(|error| failed(&lock, &error))?;
        Ok(Self { folder, source, times: Vec::new() })
    }

    /// Rebuilds the crate without its dependencies.
    fn build(&self, round: usize) -> Outcome<Duration> {
        write(&self.folder.join("src/lib.rs"), &format!("{}\n// Round {round}.\n", self.source))?;
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--offline"]).current_dir(&self.folder).stdin(Stdio::null());
        // The crates share their dependencies; without `incremental` every build is complete.
        cargo.env("CARGO_TARGET_DIR", self.folder.with_file_name("target")).env("CARGO_INCREMENTAL", "0");
        let start = Instant::now();
        let status = cargo.status().map_err(|error| format!("cargo cannot be started: {error}"))?;
        let took = start.elapsed();
        if status.success() { Ok(took) } else { Err(format!("{} does not build", self.folder.display())) }
    }

    /// Returns the median in milliseconds.
    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort();
        times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

/// Returns the source of a crate with `count` channels, listed as in a server.
fn channels(count: u32) -> String {
    let mut source = update("#[topicast::data]\n");
    let mut names = Vec::new();
    for at in 0..count {
        source += &request(at, &format!("#[topicast::ws_router(route = \"channel-{at}\", update = Update)]\n"));
        names.push(format!("Channel{at}"));
    }
    let list = names.join(", ");
    let _ = write!(source, "pub fn list() -> topicast::Channels<()> {{\n    topicast::channels![{list}]\n}}\n");
    source
}

/// Returns the source of the same types with the derives only.
fn derives(count: u32) -> String {
    const DERIVES: &str = "#[derive(topicast::serde::Serialize, topicast::serde::Deserialize, topicast::schemars::JsonSchema)]\n\
                           #[serde(crate = \"topicast::serde\")]\n\
                           #[schemars(crate = \"topicast::schemars\")]\n";
    update(DERIVES) + &(0..count).map(|at| request(at, DERIVES)).collect::<String>()
}

fn update(attributes: &str) -> String {
    format!("{attributes}pub struct Update {{\n    pub price: f64,\n}}\n")
}

fn request(at: u32, attributes: &str) -> String {
    format!(
        "/// Real-time updates of one symbol.\n{attributes}pub struct Channel{at} {{\n    \
         /// The ticker.\n    pub symbol: String,\n    #[serde(default)]\n    pub resolution: Option<u32>,\n    \
         pub extended: bool,\n}}\n"
    )
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be written: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_crate_have_the_same_types() {
        let structs = |source: &str| source.matches("pub struct ").count();
        assert_eq!(structs(&channels(7)), 8);
        assert_eq!(structs(&derives(7)), 8);
        assert!(channels(2).contains("topicast::channels![Channel0, Channel1]"));
    }
}
