//! `cargo xtask serve`: the trading server, built and started.

use crate::Outcome;
use crate::tool::Tool;

/// Turns into `cargo run` of the server: cargo then turns into the server itself, so that
/// ctrl-c and every other signal reach one process and nothing stays behind.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    Tool::cargo(cargo_arguments(arguments)).become_it()
}

fn cargo_arguments(arguments: &[String]) -> Vec<String> {
    let mut cargo: Vec<String> = ["run", "--package", "trading-api", "--bin", "trading-api"].map(str::to_owned).into();
    let mut rest = arguments;
    if let Some((first, others)) = rest.split_first()
        && first == "--release"
    {
        cargo.push(first.clone());
        rest = others;
    }
    if let Some((first, others)) = rest.split_first()
        && first == "--"
    {
        rest = others;
    }
    cargo.push("--".to_owned());
    cargo.extend_from_slice(rest);
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: &str) {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        assert_eq!(
            cargo_arguments(&arguments).join(" "),
            format!("run --package trading-api --bin trading-api{expected}")
        );
    }

    #[test]
    fn arguments_reach_the_server_with_and_without_the_dashes() {
        check(&[], " --");
        check(&["--port", "9000"], " -- --port 9000");
        check(&["--", "--port", "9000"], " -- --port 9000");
        check(&["--release", "--", "--help"], " --release -- --help");
        check(&["--", "--release"], " -- --release");
    }
}
