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

use clap::{Parser, Subcommand};

/// What a command answers: nothing, or a sentence saying what went wrong.
type Outcome<T = ()> = Result<T, String>;

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

/// Each command is a struct of its arguments, in a module of its own.
#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Test(suite::Test),
    Asyncapi(asyncapi::Asyncapi),
    Typescript(typescript::Typescript),
    CompileCost(compile_cost::CompileCost),
    Expand(expand::Expand),
    Bench(bench::Bench),
    Tidy(tidy::Tidy),
}

impl Command {
    fn run(&self) -> Outcome {
        match self {
            Self::Serve(command) => command.run(),
            Self::Test(command) => command.run(),
            Self::Asyncapi(command) => command.run(),
            Self::Typescript(command) => command.run(),
            Self::CompileCost(command) => command.run(),
            Self::Expand(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::Tidy(command) => command.run(),
        }
    }
}

fn main() -> ExitCode {
    match Xtask::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Parses what stands behind `cargo xtask`, as a test of a command does.
#[cfg(test)]
fn parse(arguments: &str) -> Result<Command, String> {
    let all = std::iter::once("xtask").chain(arguments.split_whitespace());
    Xtask::try_parse_from(all).map(|xtask| xtask.command).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_says_what_it_does_and_how_it_is_called() {
        let mut xtask = Xtask::command();
        xtask.build();
        xtask.clone().debug_assert();
        let list = xtask.render_long_help().to_string();
        let own = |command: &&mut clap::Command| command.get_name() != "help";
        for command in xtask.get_subcommands_mut().filter(own) {
            let (name, about) = (command.get_name().to_owned(), command.get_about().unwrap().to_string());
            assert!(list.contains(&name) && list.contains(about.split(", ").next().unwrap()), "{name} is in no list");
            let help = parse(&format!("{name} --help")).err().unwrap();
            assert!(help.contains(&format!("Usage: cargo xtask {name}")), "{help}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name} does not explain {}", argument.get_id());
            }
        }
    }

    #[test]
    fn commands_in_the_documentation_are_accepted() {
        let root = project::root();
        let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let mut accepted = 0;
        for page in docs.chain([root.join("README.md")]) {
            let text = std::fs::read_to_string(&page).unwrap();
            let (page, ends) = (page.display(), ['`', '#', '\n']);
            let commands = |of: &'static str| text.split(of).skip(1).map(move |rest| rest.split(ends).next().unwrap());
            for command in commands("cargo xtask ").map(str::trim).filter(|command| !command.ends_with("--help")) {
                assert!(parse(command).is_ok(), "{page}: cargo xtask {command}: {}", parse(command).err().unwrap());
                accepted += 1;
            }
            for example in commands("cargo run --package topicast-examples --bin ") {
                assert!(root.join("examples").join(example).with_extension("rs").exists(), "{page}: no {example}");
                accepted += 1;
            }
        }
        assert!(accepted > 5, "{accepted} commands");
    }

    #[test]
    fn what_is_unknown_is_named_with_what_is_allowed() {
        let refused = |arguments: &str| parse(arguments).err().unwrap();
        assert!(refused("tset").contains("a similar subcommand exists: 'test'"));
        assert!(refused("asyncapi --chekc").contains("unexpected argument '--chekc'"));
        assert!(refused("asyncapi --chekc").contains("'--check'"));
    }
}
