//! The contract's cases, checked by an implementation in another language.

use super::Report;
use crate::Outcome;
use crate::tally::Format;
use crate::tool::Tool;

pub(super) fn run(report: &mut Report) -> Outcome {
    let python = "python3";
    if !Tool::new(python).args(["-c", "import json, zlib"]).works() {
        report.not_checked("keys and checksums against Python: install python3".to_owned());
        return Ok(());
    }
    Tool::new(python).args(["-B", "tests/contract/check.py"]).test(Format::Cases, 0, &mut report.tally)
}
