//! The steps that Node carries out: the documents' own checks and the pages in a browser.

use std::fs;
use std::path::Path;

use super::{Report, system};
use crate::Outcome;
use crate::built;
use crate::project;
use crate::tally::Format;
use crate::tool::Tool;

pub(super) fn node(report: &mut Report) -> Outcome {
    let folder = project::root().join("tests/node");
    prepare(&folder)?;
    Tool::new("node").args(["--test", "--test-reporter", "spec"]).dir(folder).test(Format::Node, 0, &mut report.tally)
}

pub(super) fn browser(report: &mut Report) -> Outcome {
    let folder = project::root().join("tests/browser");
    prepare(&folder)?;
    let chromium = system::chromium()?;
    let server = built::program("trading-api")?;
    Tool::new("npx")
        .args(["--no-install", "playwright", "test"])
        .env("CHROMIUM", chromium)
        .env("TOPICAST_SERVER", server)
        .dir(folder)
        .test(Format::Playwright, 0, &mut report.tally)
}

/// Installs what a folder's lock file names, unless that has been done for this very file.
fn prepare(folder: &Path) -> Outcome {
    system::node()?;
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
