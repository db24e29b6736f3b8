//! The steps of the TypeScript client: against the real server, and in a browser.

use super::{Report, system};
use crate::Outcome;
use crate::built;
use crate::npm;
use crate::project;
use crate::tally::Format;
use crate::tool::Tool;
use crate::typescript::{self, Typescript};

/// Types, generated modules, and everything that runs in Node.
pub(super) fn node(report: &mut Report) -> Outcome {
    Typescript { check: true }.run()?;
    let folder = typescript::package()?;
    Tool::new("npm").args(["run", "--silent", "check"]).dir(&folder).run()?;
    let missing = missing_runtimes(report)?;
    Tool::new("npx")
        .args(["--no-install", "vitest", "run"])
        .env("TOPICAST_EXAMPLES", built::folder()?.join("debug/examples"))
        .dir(folder)
        .test(Format::Vitest, missing, &mut report.tally)
}

/// Installs the runtimes that the client is tried on; answers how many cannot be had here.
fn missing_runtimes(report: &mut Report) -> Outcome<u64> {
    let folder = project::root().join("clients/typescript/test/runtimes");
    if let Err(why) = npm::prepare(&folder) {
        println!("{why}");
    }
    let missing = Tool::new("node").args(["programs.mjs", "--missing"]).dir(folder).read()?;
    let mut count = 0;
    for name in missing.lines() {
        report.not_checked(format!("the TypeScript client on {name}, which npm could not install here"));
        count += 1;
    }
    Ok(count)
}

pub(super) fn browser(report: &mut Report) -> Outcome {
    let folder = typescript::package()?;
    let chromium = system::chromium()?;
    built::example("kit_server")?;
    Tool::new("npx")
        .args(["--no-install", "playwright", "test"])
        .env("CHROMIUM", chromium)
        .env("TOPICAST_EXAMPLES", built::folder()?.join("debug/examples"))
        .dir(folder)
        .test(Format::Playwright, 0, &mut report.tally)
}
