//! Packages of Node: their folders made ready, and Node itself looked at.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::tool::Tool;

/// Installs what a folder's lock file names, unless that has been done for this very file.
pub(crate) fn prepare(folder: &Path) -> Outcome {
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
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .dir(folder)
        .run()?;
    let mark = || fs::create_dir_all(&modules).and_then(|()| fs::write(&done, &locked));
    mark().map_err(|error| format!("cannot write {}: {error}", done.display()))
}

/// Refuses a Node older than the tests need.
fn check_node() -> Outcome {
    let version = Tool::new("node").args(["--version"]).read()?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 20) {
        Ok(())
    } else {
        Err(format!("node is {}: 20 or later is needed", version.trim()))
    }
}
