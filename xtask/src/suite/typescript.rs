//! The steps of the TypeScript client: against the real server, and in a browser.

use super::{Report, system};
use crate::Outcome;
use crate::built;
use crate::tally::Format;
use crate::tool::Tool;
use crate::typescript;

/// Types, generated modules, and everything that runs in Node.
pub(super) fn node(report: &mut Report) -> Outcome {
    typescript::run(&["--check".to_owned()])?;
    let folder = typescript::package()?;
    Tool::new("npm").args(["run", "--silent", "check"]).dir(&folder).run()?;
    Tool::new("npx")
        .args(["--no-install", "vitest", "run"])
        .env("TOPICAST_EXAMPLES", built::folder()?.join("debug/examples"))
        .dir(folder)
        .test(Format::Vitest, 0, &mut report.tally)
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
