//! `cargo xtask test`: everything there is, in steps, each of which can be run alone.

mod node;
mod autobahn;
mod endings;
mod rust;
mod typescript;
mod recordings;
mod system;

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::tally::Tally;

/// One part of the suite.
struct Step {
    name: &'static str,
    says: &'static str,
    run: fn(&mut Report) -> Outcome,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", says: "every source is formatted", run: rust::format },
    Step { name: "tidy", says: "the rules that a compiler cannot check", run: |_| crate::tidy::run(&[]) },
    Step {
        name: "web",
        says: "the page's types and tests, and its build, which later steps compile in",
        run: node::web,
    },
    Step { name: "clippy", says: "lints, with warnings denied", run: rust::clippy },
    Step { name: "doc", says: "documentation, with warnings denied", run: rust::documentation },
    Step {
        name: "declarations",
        says: "declarations build without the server, and for wasm32",
        run: rust::declarations,
    },
    Step { name: "deny", says: "licences and sources of the dependencies", run: rust::deny },
    Step { name: "tests", says: "unit, property, compile-fail, snapshot and end-to-end tests", run: rust::tests },
    Step { name: "doctests", says: "examples in the documentation and in the README", run: rust::doctests },
    Step {
        name: "asyncapi",
        says: "the committed documents are the server's",
        run: |_| crate::asyncapi::run(&["--check".to_owned()]),
    },
    Step { name: "outside", says: "an application outside the workspace", run: rust::outside },
    Step {
        name: "autobahn",
        says: "the WebSocket layer against Autobahn's cases, and who ends the connections",
        run: autobahn::run,
    },
    Step {
        name: "node",
        says: "the documents against AsyncAPI's own parser, topics against JavaScript",
        run: node::node,
    },
    Step { name: "browser", says: "the pages in Chromium", run: node::browser },
    Step {
        name: "typescript",
        says: "the TypeScript client, generated and against the real server",
        run: typescript::node,
    },
    Step { name: "typescript-browser", says: "the TypeScript client in Chromium", run: typescript::browser },
];

/// What the steps so far have counted and could not do.
#[derive(Default)]
struct Report {
    tally: Tally,
    times: Vec<(&'static str, Duration)>,
    /// What was not checked because this machine lacks what it takes, in words.
    unchecked: Vec<String>,
}

impl Report {
    /// Says at once, and again at the end, that something was not checked here.
    fn not_checked(&mut self, what: String) {
        println!("not checked: {what}");
        self.unchecked.push(what);
    }
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let steps = chosen(arguments)?;
    if steps.is_empty() {
        for step in STEPS {
            println!("{:12}  {}", step.name, step.says);
        }
        return Ok(());
    }
    let mut report = Report::default();
    let outcome = carry_out(&steps, &mut report);
    println!();
    for (name, took) in &report.times {
        println!("{name:12}  {:>9}", seconds(*took));
    }
    println!("{:12}  {:>9}", "all", seconds(report.times.iter().map(|(_, took)| *took).sum()));
    for what in &report.unchecked {
        println!("not checked: {what}");
    }
    println!("{}", report.tally);
    outcome
}

/// Runs steps up to the first that fails.
fn carry_out(steps: &[&Step], report: &mut Report) -> Outcome {
    for Step { name, says, run } in steps {
        println!("\n=== {name}: {says}");
        let start = Instant::now();
        let outcome = run(report);
        let took = start.elapsed();
        report.times.push((name, took));
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

/// The steps that the arguments ask for; none where they ask for the list.
fn chosen(arguments: &[String]) -> Outcome<Vec<&'static Step>> {
    let mut steps = Vec::new();
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        match argument {
            "--list" => return Ok(Vec::new()),
            "--only" => {
                let name = arguments.next().ok_or_else(|| format!("--only names no step: allowed is {}", names()))?;
                let step = STEPS.iter().find(|step| step.name == name);
                steps.push(step.ok_or_else(|| format!("unknown step `{name}`: allowed is {}", names()))?);
            }
            other => return Err(format!("unknown argument `{other}`: allowed are --list and --only STEP")),
        }
    }
    Ok(if steps.is_empty() { STEPS.iter().collect() } else { steps })
}

fn names() -> String {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: Result<&[&str], &str>) {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        match (chosen(&arguments), expected) {
            (Ok(steps), Ok(names)) => assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), names),
            (Err(message), Err(start)) => assert!(message.starts_with(start), "{message}"),
            (found, _) => panic!("{arguments:?} gave {:?}", found.map(|steps| steps.len())),
        }
    }

    #[test]
    fn steps_are_chosen_by_name() {
        check(&["--only", "clippy", "--only", "fmt"], Ok(&["clippy", "fmt"]));
        check(&["--list"], Ok(&[]));
        check(&["--only", "clipy"], Err("unknown step `clipy`: allowed is fmt, tidy, "));
        check(&["--only"], Err("--only names no step: allowed is fmt, "));
        check(&["clippy"], Err("unknown argument `clippy`: allowed are --list and --only STEP"));
    }

    #[test]
    fn without_arguments_every_step_runs_and_names_are_unique() {
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
        for (at, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..at].iter().all(|other| other.name != step.name), "{} twice", step.name);
        }
    }

    #[test]
    fn the_first_failure_ends_the_run_and_says_how_to_repeat_it() {
        let good = Step {
            name: "good",
            says: "",
            run: |report| {
                report.tally.passed += 2;
                Ok(())
            },
        };
        let bad = Step { name: "bad", says: "", run: |_| Err("it broke".to_owned()) };
        let mut report = Report::default();
        let failure = carry_out(&[&good, &bad, &good], &mut report).unwrap_err();
        assert_eq!(failure, "step `bad` failed: it broke\nrun this step alone with `cargo xtask test --only bad`");
        assert_eq!(report.tally.to_string(), "2 passed, 1 failed");
        assert_eq!(report.times.len(), 2);
    }
}
