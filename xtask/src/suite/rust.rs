//! The steps that cargo carries out.

use std::path::Path;

use super::{Report, recordings};
use crate::Outcome;
use crate::built::{self, WHOLE};
use crate::tally::Format;
use crate::tool::Tool;

/// The manifest of the application outside the workspace.
const OUTSIDE: &str = "tests/outside/Cargo.toml";

/// What stands in the path of a test that needs recordings: the module it is in.
const RECORDINGS: &str = "recordings::";

pub(super) fn format(_: &mut Report) -> Outcome {
    Tool::cargo(["fmt", "--all", "--check"]).run()?;
    Tool::cargo(["fmt", "--check", "--manifest-path", OUTSIDE]).run()
}

pub(super) fn clippy(_: &mut Report) -> Outcome {
    let deny = ["--", "-D", "warnings"];
    Tool::cargo(["clippy"]).args(WHOLE).args(["--all-targets"]).args(deny).run()?;
    Tool::cargo(["clippy", "--package", "topicast", "--no-default-features"]).args(deny).run()?;
    Tool::cargo(["clippy", "--package", "topicast-client", "--all-targets"]).args(deny).run()
}

pub(super) fn documentation(_: &mut Report) -> Outcome {
    Tool::cargo(["doc", "--no-deps"]).args(WHOLE).env("RUSTDOCFLAGS", "-D warnings").run()
}

pub(super) fn declarations(report: &mut Report) -> Outcome {
    let check = ["check", "--package", "topicast", "--no-default-features"];
    Tool::cargo(check).run()?;
    let target = "wasm32-unknown-unknown";
    let sysroot = Tool::new("rustc").args(["--print", "sysroot"]).read()?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(target).is_dir() {
        return Tool::cargo(check).args(["--target", target]).run();
    }
    report.not_checked(format!("declarations for {target}: install it with `rustup target add {target}`"));
    Ok(())
}

pub(super) fn deny(report: &mut Report) -> Outcome {
    if Tool::cargo(["deny", "--version"]).works() {
        // Advisories change by the day and come over the network: they are asked for by hand.
        return Tool::cargo(["deny", "check", "bans", "licenses", "sources"]).run();
    }
    report.not_checked("deny.toml: install its reader with `cargo install --locked cargo-deny`".to_owned());
    Ok(())
}

/// Compiles what later steps run, so that their times are those of tests.
pub(super) fn build(_: &mut Report) -> Outcome {
    let tests = if has_nextest() { Tool::cargo(["nextest", "run"]) } else { Tool::cargo(["test", "--all-targets"]) };
    tests.args(["--no-run"]).args(WHOLE).run()?;
    built::all()
}

pub(super) fn tests(report: &mut Report) -> Outcome {
    let nextest = has_nextest();
    if !nextest {
        println!("cargo-nextest is not installed, so `cargo test` runs the tests");
    }
    let of_recordings = if nextest {
        let listed = Tool::cargo(["nextest", "list", "--message-format", "oneline"]).args(WHOLE);
        lines(&listed.args(["-E", "test(/recordings::/)"]).read()?)
    } else {
        let listed = Tool::cargo(["test", "--quiet", "--all-targets"]).args(WHOLE);
        recordings_among(&listed.args(["--", "--list", "--format", "terse"]).read()?)
    };
    let run = recordings::run(&of_recordings)?;
    let left_out = if run { 0 } else { of_recordings.len() as u64 };
    let tool = if nextest {
        let tool = Tool::cargo(["nextest", "run"]).args(WHOLE);
        if run { tool } else { tool.args(["-E", "not test(/recordings::/)"]) }
    } else {
        let tool = Tool::cargo(["test", "--no-fail-fast", "--all-targets"]).args(WHOLE);
        if run { tool } else { tool.args(["--", "--skip", RECORDINGS]) }
    };
    let format = if nextest { Format::Nextest } else { Format::Libtest };
    // A snapshot that differs fails; it is never taken over without being looked at.
    tool.env("INSTA_UPDATE", "no").test(format, left_out, &mut report.tally)?;
    // With every feature it has TLS; without, it has to say how to get it.
    Tool::cargo(["test", "--package", "topicast-client", "--lib"]).test(Format::Libtest, 0, &mut report.tally)
}

pub(super) fn doctests(report: &mut Report) -> Outcome {
    Tool::cargo(["test", "--doc", "--no-fail-fast"]).args(WHOLE).test(Format::Libtest, 0, &mut report.tally)
}

pub(super) fn outside(report: &mut Report) -> Outcome {
    let place = ["--locked", "--manifest-path", OUTSIDE];
    let target = built::folder()?.join("outside");
    Tool::cargo(["clippy", "--all-targets"])
        .args(place)
        .args(["--", "-D", "warnings"])
        .env("CARGO_TARGET_DIR", &target)
        .run()?;
    Tool::cargo(["test"]).args(place).env("CARGO_TARGET_DIR", &target).test(Format::Libtest, 0, &mut report.tally)
}

fn has_nextest() -> bool {
    Tool::cargo(["nextest", "--version"]).works()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The tests that need recordings in what libtest lists.
fn recordings_among(list: &str) -> Vec<String> {
    let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
    names.filter(|name| name.contains(RECORDINGS)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_names_are_read_from_its_list() {
        let list = "a::of_recordings: test\nreplay::recordings::two_days: test\nrecordings::x: benchmark\n";
        assert_eq!(recordings_among(list), ["replay::recordings::two_days"]);
    }
}
