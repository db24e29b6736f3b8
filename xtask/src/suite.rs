//! `cargo xtask test`: everything there is, in steps, each of which can be run alone.

mod node;
mod autobahn;
mod contract;
mod endings;
mod rust;
mod typescript;
mod packages;
mod recordings;
mod system;

use std::time::{Duration, Instant};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::Outcome;
use crate::asyncapi::Asyncapi;
use crate::tally::Tally;

/// One part of the suite.
struct Step {
    name: &'static str,
    group: Group,
    says: &'static str,
    run: fn(&mut Report) -> Outcome,
}

/// What a step mostly spends its time on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Build,
    Tests,
    Browser,
    Autobahn,
}

impl Group {
    /// Each group with its name and the minutes that it may take when nothing is built yet.
    const ALL: [(Self, &str, u64); 4] = [
        (Self::Build, "build", 9),
        (Self::Tests, "tests", 5),
        (Self::Browser, "browser", 3),
        (Self::Autobahn, "autobahn", 3),
    ];
}

const STEPS: &[Step] = &[
    Step { name: "fmt", group: Group::Tests, says: "every source is formatted", run: rust::format },
    Step {
        name: "tidy",
        group: Group::Tests,
        says: "the rules that a compiler cannot check",
        run: |_| crate::tidy::check(),
    },
    Step {
        name: "web",
        group: Group::Build,
        says: "the page's types and tests, and its build, which later steps compile in",
        run: node::web,
    },
    Step { name: "clippy", group: Group::Build, says: "lints, with warnings denied", run: rust::clippy },
    Step { name: "doc", group: Group::Build, says: "documentation, with warnings denied", run: rust::documentation },
    Step {
        name: "declarations",
        group: Group::Build,
        says: "declarations build without the server, and for wasm32",
        run: rust::declarations,
    },
    Step { name: "deny", group: Group::Tests, says: "licences and sources of the dependencies", run: rust::deny },
    Step { name: "build", group: Group::Build, says: "all that the tests run", run: rust::build },
    Step {
        name: "tests",
        group: Group::Tests,
        says: "unit, property, compile-fail, snapshot and end-to-end tests",
        run: rust::tests,
    },
    Step {
        name: "doctests",
        group: Group::Tests,
        says: "examples in the documentation and in the README",
        run: rust::doctests,
    },
    Step {
        name: "contract",
        group: Group::Tests,
        says: "keys, checksums and the recovery of a table against Python",
        run: contract::run,
    },
    Step {
        name: "asyncapi",
        group: Group::Tests,
        says: "the committed documents are the server's",
        run: |_| Asyncapi { check: true }.run(),
    },
    Step { name: "outside", group: Group::Build, says: "an application outside the workspace", run: rust::outside },
    Step {
        name: "packages",
        group: Group::Build,
        says: "what is published builds from its package alone, and has its licences",
        run: packages::run,
    },
    Step {
        name: "autobahn",
        group: Group::Autobahn,
        says: "the WebSocket layer against Autobahn's cases, and who ends the connections",
        run: autobahn::run,
    },
    Step {
        name: "node",
        group: Group::Tests,
        says: "the documents against AsyncAPI's own parser, topics against JavaScript",
        run: node::node,
    },
    Step { name: "browser", group: Group::Browser, says: "the pages in Chromium", run: node::browser },
    Step {
        name: "typescript",
        group: Group::Tests,
        says: "the TypeScript client, generated and against the real server",
        run: typescript::node,
    },
    Step {
        name: "typescript-browser",
        group: Group::Browser,
        says: "the TypeScript client in Chromium",
        run: typescript::browser,
    },
];

/// What the steps so far have counted and could not do.
#[derive(Default)]
struct Report {
    tally: Tally,
    times: Vec<(&'static Step, Duration)>,
    /// What was not checked because this machine lacks what it takes, in words.
    unchecked: Vec<String>,
}

impl Report {
    /// Says at once, and again at the end, that something was not checked here.
    fn not_checked(&mut self, what: String) {
        println!("not checked: {what}");
        self.unchecked.push(what);
    }

    /// The time of each step, of each group, and of all.
    fn times(&self) -> String {
        let mut text = String::new();
        for (step, took) in &self.times {
            text += &format!("{:18}  {:>9}\n", step.name, seconds(*took));
        }
        for (group, name, minutes) in Group::ALL {
            let times = self.times.iter().filter(|(step, _)| step.group == group).map(|(_, took)| *took);
            let took: Duration = times.sum();
            if took.is_zero() {
                continue;
            }
            let over = if took > Duration::from_secs(60 * minutes) { ", which is over" } else { "" };
            text += &format!("all of {name:11}  {:>9} of {minutes} min{over}\n", seconds(took));
        }
        text + &format!("{:18}  {:>9}\n", "all", seconds(self.times.iter().map(|(_, took)| *took).sum()))
    }
}

/// Run everything there is: format, lints, documentation, tests, conformance, browser
#[derive(clap::Args)]
pub(crate) struct Test {
    /// List the steps and run none
    #[arg(long)]
    list: bool,
    /// Run only these steps: may be repeated, and list several with commas between them
    #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = step_parser())]
    only: Vec<&'static Step>,
}

impl Test {
    pub(crate) fn run(&self) -> Outcome {
        if self.list {
            for step in STEPS {
                println!("{:18}  {}", step.name, step.says);
            }
            return Ok(());
        }
        let mut report = Report::default();
        let outcome = carry_out(&self.steps(), &mut report);
        print!("\n{}", report.times());
        for what in &report.unchecked {
            println!("not checked: {what}");
        }
        println!("{}", report.tally);
        outcome
    }

    /// The steps to run, in the order asked for.
    fn steps(&self) -> Vec<&'static Step> {
        if self.only.is_empty() { STEPS.iter().collect() } else { self.only.clone() }
    }
}

/// Takes the name of a step, and lists all of them where there is none of that name.
fn step_parser() -> impl TypedValueParser<Value = &'static Step> {
    let names = STEPS.iter().map(|step| PossibleValue::new(step.name).help(step.says));
    PossibleValuesParser::new(names)
        .try_map(|name| STEPS.iter().find(|step| step.name == name).ok_or("it is the name of no step"))
}

/// Runs steps up to the first that fails.
fn carry_out(steps: &[&'static Step], report: &mut Report) -> Outcome {
    for &step in steps {
        let Step { name, says, run, .. } = step;
        println!("\n=== {name}: {says}");
        let start = Instant::now();
        let outcome = run(report);
        let took = start.elapsed();
        report.times.push((step, took));
        if let Err(message) = outcome {
            println!("=== {name}: FAILED after {}: {message}", seconds(took));
            // A step that fails without a failing test counts as one failure.
            report.tally.failed = report.tally.failed.max(1);
            return Err(format!(
                "step `{name}` failed: {message}\nrun this step alone with `cargo xtask test --only {name}`"
            ));
        }
        println!("=== {name}: done in {}", seconds(took));
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, parse};

    fn chosen(arguments: &str) -> Result<Vec<&'static str>, String> {
        let Command::Test(test) = parse(&format!("test {arguments}"))? else { panic!("`{arguments}` is no test") };
        Ok(test.steps().iter().map(|step| step.name).collect())
    }

    #[test]
    fn steps_are_chosen_by_name() {
        assert_eq!(chosen("--only clippy --only fmt").unwrap(), ["clippy", "fmt"]);
        assert_eq!(chosen("--only clippy,fmt").unwrap(), ["clippy", "fmt"]);
        assert_eq!(chosen("--only clippy,fmt --only doc").unwrap(), ["clippy", "fmt", "doc"]);
        assert_eq!(chosen("").unwrap().len(), STEPS.len());
        for arguments in ["--only clipy", "--only fmt,clipy", "--only fmt --only clipy", "--only", "clippy"] {
            assert!(chosen(arguments).is_err(), "{arguments}");
        }
    }

    #[test]
    fn an_unknown_step_lists_all_that_are_allowed() {
        let refused = chosen("--only clipy").unwrap_err();
        assert!(refused.contains("'clipy'"), "{refused}");
        for step in STEPS {
            assert!(refused.contains(step.name), "{refused}");
        }
    }

    #[test]
    fn names_of_steps_are_unique() {
        for (at, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..at].iter().all(|other| other.name != step.name), "{} twice", step.name);
        }
    }

    #[test]
    fn groups_have_the_times_of_their_steps() {
        let step = |name: &str| STEPS.iter().find(|step| step.name == name).unwrap();
        let times = ["clippy", "doc", "fmt"].map(step).into_iter().zip([300, 241, 2].map(Duration::from_secs));
        let report = Report { times: times.collect(), ..Report::default() };
        let text = report.times();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "clippy                300.0 s");
        assert_eq!(lines[3], "all of build          541.0 s of 9 min, which is over");
        assert_eq!(lines[4], "all of tests            2.0 s of 5 min");
        assert_eq!(lines[5], "all                   543.0 s");
        let minutes: u64 = Group::ALL.iter().map(|(_, _, minutes)| minutes).sum();
        assert_eq!(minutes, 20);
    }

    #[test]
    fn the_first_failure_ends_the_run_and_says_how_to_repeat_it() {
        static GOOD: Step = Step {
            name: "good",
            group: Group::Tests,
            says: "",
            run: |report| {
                report.tally.passed += 2;
                Ok(())
            },
        };
        static BAD: Step = Step { name: "bad", group: Group::Tests, says: "", run: |_| Err("it broke".to_owned()) };
        let mut report = Report::default();
        let failure = carry_out(&[&GOOD, &BAD, &GOOD], &mut report).unwrap_err();
        assert_eq!(failure, "step `bad` failed: it broke\nrun this step alone with `cargo xtask test --only bad`");
        assert_eq!(report.tally.to_string(), "2 passed, 1 failed");
        assert_eq!(report.times.len(), 2);
    }
}
