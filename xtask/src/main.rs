//! The project's own commands, run as `cargo xtask <command>`.

mod serve;
mod bench;
mod suite;
mod asyncapi;
mod typescript;
mod tidy;
mod compile_cost;
mod expand;
mod page;
mod npm;
mod built;
mod tool;
mod tally;
mod project;

use std::process::ExitCode;

/// What a command answers: nothing, or a sentence saying what went wrong.
type Outcome<T = ()> = Result<T, String>;

struct Command {
    name: &'static str,
    usage: &'static str,
    says: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "serve",
        usage: "serve [--release] [-- ARGS]",
        says: "build and start the trading server and its page on 127.0.0.1:8000; ARGS go to it (try `-- --help`)",
        run: serve::run,
    },
    Command {
        name: "test",
        usage: "test [--list] [--only STEP]...",
        says: "run everything there is: format, lints, documentation, tests, conformance, browser",
        run: suite::run,
    },
    Command {
        name: "asyncapi",
        usage: "asyncapi [--check]",
        says: "write the trading server's AsyncAPI documents to asyncapi/, or fail where they are stale",
        run: asyncapi::run,
    },
    Command {
        name: "typescript",
        usage: "typescript [--check]",
        says: "write the typed TypeScript clients from their documents, or fail where they are stale",
        run: typescript::run,
    },
    Command {
        name: "compile-cost",
        usage: "compile-cost",
        says: "measure what a channel adds to a debug build, and fail where it is too much",
        run: compile_cost::run,
    },
    Command {
        name: "expand",
        usage: "expand NAME",
        says: "print what is generated for a channel of the trading server, by its route (operations and pushes by name)",
        run: expand::run,
    },
    Command {
        name: "bench",
        usage: "bench [-- ARGS]",
        says: "measure fan-out, with topicast and with its peers; ARGS go to it (try `-- --help`)",
        run: bench::run,
    },
    Command { name: "tidy", usage: "tidy", says: "check the rules that a compiler cannot", run: tidy::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", help());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("unknown command `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let width = COMMANDS.iter().map(|command| command.usage.len()).max().unwrap_or(0);
    let mut text = String::from("usage: cargo xtask <command>\n\ncommands:\n");
    for command in COMMANDS {
        text += &format!("  {:width$}  {}\n", command.usage, command.says);
    }
    text
}

/// Refuses arguments for a command that takes none, or none but those in `allowed`.
fn only(arguments: &[String], allowed: &[&str]) -> Outcome {
    match arguments.iter().find(|argument| !allowed.contains(&argument.as_str())) {
        None => Ok(()),
        Some(other) if allowed.is_empty() => Err(format!("unknown argument `{other}`: none is allowed")),
        Some(other) => Err(format!("unknown argument `{other}`: allowed is {}", allowed.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_command_with_its_usage() {
        let text = help();
        for command in COMMANDS {
            assert!(command.usage.starts_with(command.name), "{} has another usage", command.name);
            assert!(text.contains(command.usage) && text.contains(command.says));
        }
    }

    #[test]
    fn arguments_outside_the_allowed_are_named() {
        assert_eq!(only(&["--check".to_owned()], &["--check"]), Ok(()));
        let refused = only(&["--chekc".to_owned()], &["--check"]).unwrap_err();
        assert_eq!(refused, "unknown argument `--chekc`: allowed is --check");
    }
}
