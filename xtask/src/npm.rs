//! Packages of Node: their folders made ready, and Node itself looked at.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::tool::Tool;

/// The oldest Node that the tools run on: its major and minor version.
const OLDEST: (u32, u32) = (20, 19);

/// Makes npm give up where it cannot reach its registry, for which it would take over a minute.
const HASTE: [&str; 4] =
    ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000", "--fetch-timeout=20000"];

/// Installs what a folder's lock file names, unless that has been done for this very file.
pub(crate) fn prepare(folder: &Path) -> Outcome {
    install(folder, &[])
}

/// The same for who can do without, and waits for it.
pub(crate) fn prepare_in_haste(folder: &Path) -> Outcome {
    install(folder, &HASTE)
}

fn install(folder: &Path, network: &[&str]) -> Outcome {
    check_node()?;
    let lock = folder.join("package-lock.json");
    let locked = fs::read(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    let modules = folder.join("node_modules");
    let done = modules.join(".installed-lock.json");
    if fs::read(&done).is_ok_and(|installed| installed == locked) {
        return Ok(());
    }
    Tool::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .args(network)
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .dir(folder)
        .run()?;
    let mark = || fs::create_dir_all(&modules).and_then(|()| fs::write(&done, &locked));
    mark().map_err(|error| format!("cannot write {}: {error}", done.display()))
}

/// Refuses a Node older than the tools need.
fn check_node() -> Outcome {
    let version = Tool::new("node").args(["--version"]).read()?;
    let (version, (major, minor)) = (version.trim(), OLDEST);
    if release(version).is_some_and(|found| found >= OLDEST) {
        Ok(())
    } else {
        Err(format!("node is {version}: {major}.{minor} or later is needed"))
    }
}

/// Major and minor version of a text such as `v20.19.4`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for old in ["v20.18.3", "v18.20.0", "v9.99.0", "20.19.0", "v20", "", "vx.y"] {
            assert!(release(old).is_none_or(|found| found < OLDEST), "{old}");
        }
        for new in ["v20.19.0", "v20.100.1", "v22.0.0-pre", "v100.1.0"] {
            assert!(release(new).is_some_and(|found| found >= OLDEST), "{new}");
        }
    }
}
