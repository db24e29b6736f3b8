//! How many tests ran, read from the closing lines of the runners.

use std::fmt;
use std::ops::AddAssign;

/// Counts of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

/// Whose closing lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// No test runner.
    None,
    Nextest,
    Libtest,
    Node,
    Vitest,
    Playwright,
    /// `12 cases passed`, as kosoku prints it and so does `tests/contract/check.py`.
    Cases,
}

impl Format {
    /// What one line of a runner's output adds.
    pub(crate) fn read(self, line: &str) -> Tally {
        let line = plain(line);
        let words: Vec<&str> =
            line.split(|c: char| c.is_whitespace() || ",;()".contains(c)).filter(|w| !w.is_empty()).collect();
        let before = |word: &str| {
            let at = words.iter().position(|&other| other == word).and_then(|at| at.checked_sub(1));
            at.and_then(|at| words[at].parse::<u64>().ok()).unwrap_or(0)
        };
        let counts =
            |word: &str| words.first().is_some_and(|n| n.parse::<u64>().is_ok()) && words.get(1) == Some(&word);
        let first = words.first().copied().unwrap_or("");
        match self {
            Self::Nextest if first == "Summary" => Tally {
                passed: before("passed"),
                // "1 timed out" and "1 exec failed" are counted apart from "1 failed".
                failed: before("failed") + before("timed") + before("exec"),
                skipped: before("skipped"),
            },
            Self::Libtest if line.starts_with("test result:") => Tally {
                passed: before("passed"),
                failed: before("failed"),
                skipped: before("ignored") + before("filtered"),
            },
            Self::Node if matches!(first, "#" | "ℹ") && words.len() == 3 => {
                let count = words[2].parse().unwrap_or(0);
                match words[1] {
                    "pass" => Tally { passed: count, ..Tally::default() },
                    "fail" | "cancelled" => Tally { failed: count, ..Tally::default() },
                    "skipped" | "todo" => Tally { skipped: count, ..Tally::default() },
                    _ => Tally::default(),
                }
            }
            Self::Vitest if first == "Tests" => Tally {
                passed: before("passed"),
                failed: before("failed"),
                skipped: before("skipped") + before("todo"),
            },
            Self::Playwright if counts("passed") => Tally { passed: before("passed"), ..Tally::default() },
            // A test that failed first and passed when run again is a failure here.
            Self::Playwright if counts("failed") || counts("flaky") || counts("interrupted") => {
                Tally { failed: before(words[1]), ..Tally::default() }
            }
            Self::Playwright if counts("skipped") || counts("did") => {
                Tally { skipped: before(words[1]), ..Tally::default() }
            }
            Self::Cases if line.ends_with("cases passed") => Tally { passed: before("cases"), ..Tally::default() },
            Self::Cases if line.ends_with("cases failed:") => {
                let (failed, all) = (before("of"), before("cases"));
                Tally { passed: all.saturating_sub(failed), failed, skipped: 0 }
            }
            _ => Tally::default(),
        }
    }
}

/// A line without terminal colours and surrounding space.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(character);
        }
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, lines: &str, expected: (u64, u64, u64)) {
        let mut tally = Tally::default();
        for line in lines.lines() {
            tally += format.read(line);
        }
        assert_eq!((tally.passed, tally.failed, tally.skipped), expected, "{lines}");
    }

    #[test]
    fn nextest() {
        check(Format::Nextest, "     Summary [   0.005s] 1 test run: 1 passed, 3 skipped", (1, 0, 3));
        check(
            Format::Nextest,
            "     Summary [   1.005s] 7/9 tests run: 4 passed (1 slow), 1 failed, 1 timed out, 1 exec failed, 2 skipped",
            (4, 3, 2),
        );
        check(
            Format::Nextest,
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m",
            (2, 0, 0),
        );
        check(Format::Nextest, "        PASS [   0.004s] (1/1) nt 5 passed", (0, 0, 0));
    }

    #[test]
    fn libtest() {
        let lines = "test x ... ok\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s\ntest result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        check(Format::Libtest, lines, (4, 2, 3));
    }

    #[test]
    fn node() {
        check(
            Format::Node,
            "# tests 6\n# suites 0\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0",
            (3, 2, 1),
        );
        check(Format::Node, "ℹ tests 2\nℹ pass 2\nℹ fail 0", (2, 0, 0));
    }

    #[test]
    fn vitest() {
        let lines = " Test Files  1 failed | 2 passed (3)\n      Tests  2 failed | 7 passed | 1 skipped | 1 todo (11)";
        check(Format::Vitest, lines, (7, 2, 2));
        check(
            Format::Vitest,
            "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m14 passed\u{1b}[39m (14)",
            (14, 0, 0),
        );
    }

    #[test]
    fn playwright() {
        check(
            Format::Playwright,
            "  1 failed\n    console.spec.ts:3:1 › x\n  1 flaky\n  2 skipped\n  3 did not run\n  4 passed (2.1s)",
            (4, 2, 5),
        );
        check(Format::Playwright, "Running 3 tests using 1 worker", (0, 0, 0));
    }

    #[test]
    fn kosoku() {
        check(Format::Cases, "wrote reports for 301 cases to rep/\n301 cases passed", (301, 0, 0));
        check(Format::Cases, "5 of 301 cases failed:", (296, 5, 0));
    }
}
