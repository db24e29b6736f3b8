//! The machine and the versions of the measured software.

use std::fs;
use std::process::Command;

use crate::args::MeasureArgs;
use crate::cell::Setup;

/// Describes the machine and its use as names and values.
pub(crate) fn describe(args: &MeasureArgs, setup: &Setup) -> Vec<(String, String)> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZeroUsize::get);
    let memory = field("/proc/meminfo", "MemTotal:").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let root = rustix::process::geteuid().is_root();
    let facts = [
        ("Processor", field("/proc/cpuinfo", "model name\t:")),
        ("Cores", Some(cores.to_string())),
        ("Memory", memory.map(|kilobytes| format!("{} GiB", kilobytes / (1 << 20)))),
        ("Kernel", fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned())),
        (
            "Hypervisor",
            fs::read_to_string("/proc/cpuinfo")
                .ok()
                .filter(|text| text.contains(" hypervisor"))
                .map(|_| "yes".to_owned()),
        ),
        ("Server on core", Some(setup.server_core.to_string())),
        ("Load on core", Some(setup.load_core.to_string())),
        ("Priority", Some(if root { "raised (nice -20)" } else { "usual" }.to_owned())),
        ("Rounds", Some(if args.quick { 1 } else { args.rounds }.to_string())),
        ("Sending calls", Some(if setup.count_calls { "counted with perf" } else { "not available" }.to_owned())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Returns the versions of the software built from this workspace.
pub(crate) fn versions() -> Vec<(String, String)> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let lock = fs::read_to_string(format!("{root}/Cargo.lock")).unwrap_or_default();
    let mut versions = vec![("topicast".to_owned(), own_version(root))];
    if let Some(rustc) = said(Command::new("rustc").arg("--version")) {
        versions.push(("rustc".to_owned(), rustc.trim_start_matches("rustc ").to_owned()));
    }
    for package in ["axum", "tokio"] {
        if let Some(version) = locked(&lock, package) {
            versions.push((package.to_owned(), version.to_owned()));
        }
    }
    versions
}

/// Returns the version, and the commit if it is known.
fn own_version(root: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let commit = said(Command::new("git").args(["-C", root, "describe", "--always", "--dirty", "--exclude", "*"]));
    commit.map_or_else(|| version.to_owned(), |commit| format!("{version} ({commit})"))
}

/// Returns the version of a package in a `Cargo.lock`.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next()
}

/// Returns the value of a field in a file of the kernel.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_locked_package_is_found() {
        let lock = "[[package]]\nname = \"axum-core\"\nversion = \"0.5.6\"\n\n[[package]]\nname = \"axum\"\nversion = \"0.8.9\"\n";
        assert_eq!(locked(lock, "axum"), Some("0.8.9"));
        assert_eq!(locked(lock, "tokio"), None);
    }
}
