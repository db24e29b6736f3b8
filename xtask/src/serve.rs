//! `cargo xtask serve`: the trading server with its page, built and started.

use crate::Outcome;
use crate::page;
use crate::tool::Tool;

/// What the server is started with where the environment does not say otherwise: a market that
/// is worth looking at, with six hours behind it and bars of several lengths.
const MARKET: [(&str, &str); 2] = [("MOCK_HISTORY", "21600"), ("BAR_BROADCASTER_RESOLUTIONS", "1,5,15,60,D")];

/// Turns into `cargo run` of the server: cargo then turns into the server itself, so that
/// ctrl-c and every other signal reach one process and nothing stays behind.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    // The server needs neither Node nor the network, so it does not fail for want of its page.
    if let Err(message) = page::build_in_haste() {
        let instead = if page::is_built() { "the page of an earlier build" } else { "no page with charts" };
        println!("there will be {instead}, since {message}");
    }
    let unset = MARKET.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
    unset.fold(Tool::cargo(cargo_arguments(arguments)), |tool, (name, value)| tool.env(name, value)).become_it()
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
