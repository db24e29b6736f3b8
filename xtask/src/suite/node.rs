//! The steps that Node carries out: the documents' own checks, the page, and both pages in a browser.

use super::{Report, recordings, system};
use crate::Outcome;
use crate::built;
use crate::npm;
use crate::page;
use crate::project;
use crate::tally::Format;
use crate::tool::Tool;

/// What stands in the path of a test that needs recordings: the file it is in.
const RECORDINGS: &str = "recordings";

pub(super) fn node(report: &mut Report) -> Outcome {
    let folder = project::root().join("tests/node");
    npm::prepare(&folder)?;
    Tool::new("node").args(["--test", "--test-reporter", "spec"]).dir(folder).test(Format::Node, 0, &mut report.tally)
}

/// The page of the trading server: types, tests, and the build that later steps compile in.
pub(super) fn web(report: &mut Report) -> Outcome {
    let folder = page::build()?;
    Tool::new("npm").args(["run", "--silent", "check"]).dir(&folder).run()?;
    Tool::new("npx").args(["--no-install", "vitest", "run"]).dir(folder).test(Format::Vitest, 0, &mut report.tally)
}

pub(super) fn browser(report: &mut Report) -> Outcome {
    page::build()?;
    let folder = project::root().join("tests/browser");
    npm::prepare(&folder)?;
    let chromium = system::chromium()?;
    let server = built::program("trading-api")?;
    built::example("kit_server")?;
    let examples = built::folder()?.join("debug/examples");
    let playwright = || Tool::new("npx").args(["--no-install", "playwright", "test"]).dir(&folder);
    let of_recordings = listed(&playwright().args(["--list", "--grep", RECORDINGS]).read()?);
    let run = recordings::run(&of_recordings)?;
    let tool = if run {
        playwright()
    } else {
        report.tally.skipped += of_recordings.len() as u64;
        playwright().args(["--grep-invert", RECORDINGS])
    };
    tool.env("CHROMIUM", chromium).env("TOPICAST_SERVER", server).env("TOPICAST_EXAMPLES", examples).test(
        Format::Playwright,
        0,
        &mut report.tally,
    )
}

/// The tests in what Playwright lists, one a line as `  file:1:1 › name`.
fn listed(list: &str) -> Vec<String> {
    list.lines().map(str::trim).filter(|line| line.contains(" › ")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_playwrights_list() {
        let list = "Listing tests:\n  recordings.spec.mjs:9:1 › ten minutes of a tape\nTotal: 1 test in 1 file\n";
        assert_eq!(listed(list), ["recordings.spec.mjs:9:1 › ten minutes of a tape"]);
        assert!(listed("Error: No tests found\n").is_empty());
    }
}
