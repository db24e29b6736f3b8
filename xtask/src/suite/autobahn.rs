//! Autobahn's cases, run by kosoku against the echo example of the runtime.

use std::fs;
use std::path::{Path, PathBuf};

use super::endings::{self, Proxy};
use super::{Report, system};
use crate::Outcome;
use crate::built;
use crate::project;
use crate::tally::Format;
use crate::tool::Tool;

/// The sections of cases: all but compression's.
const SECTIONS: [&str; 9] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];

/// The number of cases in the sections. A report on fewer is a failure.
const CASES: u64 = 301;

pub(super) fn run(report: &mut Report) -> Outcome {
    let folder = built::folder()?.join("autobahn");
    let kosoku = install(&folder.join("venv"))?;
    let mut server = Tool::new(built::example("echo")?).args(["127.0.0.1:0"]).start()?;
    let line = server.first_line()?;
    let address =
        line.strip_prefix("listening on ").ok_or_else(|| format!("the echo server printed `{line}` and no address"))?;

    // kosoku disconnects once it has the close frame. The proxy keeps the connection, and measures
    // when the server ends it.
    let proxy = Proxy::start(address)?;
    let before = report.tally.passed;
    let sections = SECTIONS.iter().flat_map(|section| ["--include", section]);
    Tool::new(kosoku)
        .args([proxy.address().to_string()])
        .args(sections)
        .args(["--outdir", "reports"])
        .dir(&folder)
        .test(Format::Cases, 0, &mut report.tally)?;
    let index = folder.join("reports/index.json");
    let text = fs::read_to_string(&index).map_err(|error| format!("cannot read {}: {error}", index.display()))?;
    println!("{}", behaviours(&text));
    let endings = proxy.endings();
    let late = endings::late(&cases(&text), &endings);
    println!("{} of {} connections ended by the server in time", endings.len() - late.len(), endings.len());
    if !late.is_empty() {
        return Err(format!("the server ended connections late or not at all:\n  {}", late.join("\n  ")));
    }
    match report.tally.passed - before {
        CASES => Ok(()),
        other => Err(format!("{other} cases ran and not {CASES}")),
    }
}

/// Installs kosoku in its own virtual environment, recreated when the requirements change.
fn install(venv: &Path) -> Outcome<PathBuf> {
    let requirements = project::root().join("tests/autobahn/requirements.txt");
    let wanted = fs::read(&requirements).map_err(|error| format!("cannot read {}: {error}", requirements.display()))?;
    let done = venv.join("installed.txt");
    if !fs::read(&done).is_ok_and(|installed| installed == wanted) {
        let python = system::python()?;
        Tool::new(python).args(["-m", "venv", "--clear"]).args([venv]).run()?;
        Tool::new(venv.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .args([&requirements])
            .run()?;
        fs::write(&done, wanted).map_err(|error| format!("cannot write {}: {error}", done.display()))?;
    }
    Ok(venv.join("bin/kosoku"))
}

/// Returns the numbers of the cases in a report in the order of their connections, sorted part by
/// part as numbers; the report sorts them as text.
fn cases(index: &str) -> Vec<String> {
    let number = |line: &str| {
        let number = line.trim().strip_prefix('"')?.strip_suffix("\": {")?;
        number.starts_with(|first: char| first.is_ascii_digit()).then(|| number.to_owned())
    };
    let mut cases: Vec<String> = index.lines().skip(2).filter_map(number).collect();
    cases.sort_by_key(|case| case.split('.').map(|part| part.parse().unwrap_or(u32::MAX)).collect::<Vec<_>>());
    cases
}

/// Counts the verdicts in a report, such as `OK 284, NON-STRICT 14`.
fn behaviours(index: &str) -> String {
    let mut counts: Vec<(&str, u32)> = Vec::new();
    for verdict in index.lines().filter_map(|line| line.trim().strip_prefix("\"behavior\": \"")?.split('"').next()) {
        match counts.iter_mut().find(|(name, _)| *name == verdict) {
            Some((_, count)) => *count += 1,
            None => counts.push((verdict, 1)),
        }
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_listed_in_order() {
        let index = "{\n   \"127.0.0.1:1\": {\n      \"1.1.10\": {\n   \"behavior\": \"OK\",\n },\n \"1.1.2\": {\n";
        assert_eq!(cases(index), ["1.1.2", "1.1.10"]);
    }

    #[test]
    fn verdicts_are_counted() {
        let index = "{\n \"behavior\": \"OK\",\n \"behaviorClose\": \"OK\",\n \"behavior\": \"NON-STRICT\",\n \"behavior\": \"OK\",\n}";
        assert_eq!(behaviours(index), "OK 2, NON-STRICT 1");
    }
}
