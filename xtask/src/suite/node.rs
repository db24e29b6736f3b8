//! The steps that Node carries out: the documents' own checks and the pages in a browser.

use super::{Report, system};
use crate::Outcome;
use crate::built;
use crate::npm;
use crate::project;
use crate::tally::Format;
use crate::tool::Tool;

pub(super) fn node(report: &mut Report) -> Outcome {
    let folder = project::root().join("tests/node");
    npm::prepare(&folder)?;
    Tool::new("node").args(["--test", "--test-reporter", "spec"]).dir(folder).test(Format::Node, 0, &mut report.tally)
}

pub(super) fn browser(report: &mut Report) -> Outcome {
    let folder = project::root().join("tests/browser");
    npm::prepare(&folder)?;
    let chromium = system::chromium()?;
    let server = built::program("trading-api")?;
    Tool::new("npx")
        .args(["--no-install", "playwright", "test"])
        .env("CHROMIUM", chromium)
        .env("TOPICAST_SERVER", server)
        .dir(folder)
        .test(Format::Playwright, 0, &mut report.tally)
}
