//! The contract's cases, and a client of the real server, in another language.

use super::Report;
use crate::Outcome;
use crate::built;
use crate::tally::Format;
use crate::tool::Tool;

pub(super) fn run(report: &mut Report) -> Outcome {
    let python = "python3";
    if !Tool::new(python).args(["-c", "import json, sys, zlib; sys.exit(sys.version_info < (3, 10))"]).works() {
        report.not_checked(
            "keys, checksums and the recovery of a table against Python: install python3, 3.10 or later".to_owned(),
        );
        return Ok(());
    }
    Tool::new(python).args(["-B", "tests/contract/check.py"]).test(Format::Cases, 0, &mut report.tally)?;
    let server = built::example("kit_server")?;
    Tool::new(python).args(["-B", "tests/contract/cuts.py"]).args([server]).test(Format::Cases, 0, &mut report.tally)
}
