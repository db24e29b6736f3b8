//! A run: its cells, their order, and the files of the results.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::args::MeasureArgs;
use crate::cell::Setup;
use crate::child::Program;
use crate::contestant::{self, CONTESTANTS, Contestant};
use crate::kernel;
use crate::machine;
use crate::report;
use crate::result::{Cell, Figure, Outcome, Results};
use crate::run;
use crate::versus;
use crate::workload::{self, Kind, SLOW_UNSENT_BYTES, WORKLOADS, Workload};

/// The file with all measurements.
const RESULTS: &str = "results.json";

pub(crate) fn run(args: &MeasureArgs) -> Result<(), String> {
    if args.list {
        println!("{}", listing());
        return Ok(());
    }
    let workloads = chosen(&args.workload, workload::find, WORKLOADS, |workload| workload.name)?;
    let contestants = chosen(&args.peer, contestant::find, CONTESTANTS, |contestant| contestant.name)?;
    let setup = setup(args)?;
    // Tests must not wait for another benchmark.
    let needs_quiet = workloads.iter().any(|workload| workload.needs_quiet());
    let _alone = if needs_quiet { Some(alone(&setup.folder)?) } else { None };
    let out = args.out.clone().unwrap_or_else(|| setup.folder.join("results"));
    let mut results = if args.append { read(&out)? } else { Results::default() };
    results.machine = machine::describe(args, &setup);
    let mut programs = prepare(&setup, &contestants, &mut results);
    if let Some(binary) = &args.against {
        programs.extend(other_build(&programs, &contestants, binary)?);
    }
    let rounds = if args.quick { 1 } else { args.rounds };
    for workload in &workloads {
        let takes = |contestant: &&Contestant| contestant.takes_part(workload);
        let names = contestants.iter().copied().filter(takes).flat_map(|contestant| {
            [contestant.name.to_owned(), versus::other(contestant.name)].map(|name| (name, contestant))
        });
        let taking: Vec<(String, &Contestant)> = names.filter(|(name, _)| programs.contains_key(name)).collect();
        results
            .cells
            .retain(|cell| cell.workload != workload.name || !taking.iter().any(|(name, _)| *name == cell.peer));
        for round in 0..rounds {
            for at in 0..taking.len() {
                // Each round starts with another peer, so that no peer always follows the same one.
                let (name, contestant) = &taking[(at + round as usize) % taking.len()];
                let capacity = results.summary("flood", name, Figure::Rate).map(|rate| rate.median);
                let outcome = measure(&setup, workload, contestant, &programs[name], capacity);
                let cell = Cell { workload: workload.name.to_owned(), peer: name.clone(), round, outcome };
                eprintln!("{}", report::line(&cell));
                results.cells.push(cell);
            }
            write(&out, &results)?;
        }
    }
    println!("{}", report::markdown(&results));
    eprintln!("written to {}", out.display());
    Ok(())
}

/// Waits until no other benchmark runs in this tree, and locks the tree: two would disturb each
/// other.
fn alone(folder: &Path) -> Result<File, String> {
    let path = folder.join("lock");
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let lock = File::create(&path).map_err(failed)?;
    if lock.try_lock().is_err() {
        eprintln!("waiting for another benchmark to end");
        lock.lock().map_err(failed)?;
    }
    Ok(lock)
}

/// Writes the report again.
pub(crate) fn report(folder: &Path) -> Result<(), String> {
    let results = read(folder)?;
    write(folder, &results)?;
    println!("{}", report::markdown(&results));
    Ok(())
}

fn measure(
    setup: &Setup,
    workload: &Workload,
    contestant: &Contestant,
    program: &Program,
    capacity: Option<f64>,
) -> Outcome {
    let mut program = program.clone();
    match workload.kind {
        Kind::Shards => program.cores = vec![setup.load_core, setup.server_core],
        Kind::Slow => program.words.extend(contestant.limit(SLOW_UNSENT_BYTES)),
        _ => {}
    }
    match run::run(setup, workload, &program, capacity) {
        Ok(metrics) => Outcome::Measured(metrics),
        Err(error) => Outcome::Failed(error),
    }
}

/// Returns the own peers of another build, by their names.
fn other_build(
    programs: &BTreeMap<String, Program>,
    contestants: &[&'static Contestant],
    binary: &Path,
) -> Result<Vec<(String, Program)>, String> {
    let path = fs::canonicalize(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let path = path.into_os_string().into_string().map_err(|path| format!("{} is no text", path.display()))?;
    let own = contestants.iter().filter(|contestant| contestant.is_own());
    let others = own.filter_map(|contestant| {
        let mut program = programs.get(contestant.name)?.clone();
        program.words[0].clone_from(&path);
        Some((versus::other(contestant.name), program))
    });
    Ok(others.collect())
}

fn setup(args: &MeasureArgs) -> Result<Setup, String> {
    let cores = std::thread::available_parallelism().map_err(|error| format!("no cores: {error}"))?.get();
    let server_core = args.server_core.unwrap_or(cores - 1);
    if server_core == args.load_core {
        eprintln!("server and load share core {server_core}: figures will say little");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let count_calls = !args.no_calls && kernel::counts_calls();
    let scale = if args.quick { 1.0 / 3.0 } else { 1.0 };
    Ok(Setup { server_core, load_core: args.load_core, folder, scale, seconds: args.seconds, count_calls })
}

/// Installs the peers, and records the ones that fail as missing.
fn prepare(setup: &Setup, contestants: &[&'static Contestant], results: &mut Results) -> BTreeMap<String, Program> {
    let mut programs = BTreeMap::new();
    let note = |versions: Vec<(String, String)>, results: &mut Results| {
        for (name, version) in versions {
            results.versions.retain(|(other, _)| *other != name);
            results.versions.push((name, version));
        }
    };
    note(machine::versions(), results);
    for contestant in contestants {
        results.missing.retain(|(name, _)| name != contestant.name);
        match contestant.prepare(&setup.folder, &[setup.server_core]) {
            Ok(program) => {
                note(contestant.versions(&setup.folder), results);
                programs.insert(contestant.name.to_owned(), program);
            }
            Err(error) => {
                eprintln!("{} is missing: {error}", contestant.name);
                results.missing.push((contestant.name.to_owned(), error));
            }
        }
    }
    programs
}

/// Returns the named items, or all if there are no names.
fn chosen<T>(
    names: &[String],
    find: fn(&str) -> Option<&'static T>,
    all: &'static [T],
    name: fn(&T) -> &'static str,
) -> Result<Vec<&'static T>, String> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let allowed = || all.iter().map(name).collect::<Vec<_>>().join(", ");
    names
        .iter()
        .map(|name| find(name).ok_or_else(|| format!("`{name}` is unknown: allowed are {}", allowed())))
        .collect()
}

/// Lists workloads and peers.
pub(crate) fn listing() -> String {
    let workloads = WORKLOADS.iter().map(|Workload { name, says, .. }| format!("workload {name:17} {says}"));
    let peers = CONTESTANTS.iter().map(|Contestant { name, says, .. }| format!("peer     {name:17} {says}"));
    workloads.chain(peers).collect::<Vec<_>>().join("\n")
}

fn read(folder: &Path) -> Result<Results, String> {
    let path = folder.join(RESULTS);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(folder: &Path, results: &Results) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = vec![(RESULTS.to_owned(), results.json()?), ("results.md".to_owned(), report::markdown(results))];
    files.extend(report::plots(results));
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
