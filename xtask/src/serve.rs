//! `cargo xtask serve`: the trading server with its page, built and started.

use crate::Outcome;
use crate::page;
use crate::tool::Tool;

/// What the server is started with where the environment does not say otherwise: a market that
/// is worth looking at, with six hours behind it and bars of several lengths.
const MARKET: [(&str, &str); 2] = [("MOCK_HISTORY", "21600"), ("BAR_BROADCASTER_RESOLUTIONS", "1,5,15,30,60,D")];

/// Build and start the trading server and its page, on 127.0.0.1:8000 unless ARGS say otherwise
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Build for speed, as for a load; the default is the quick build
    #[arg(long)]
    release: bool,
    /// Arguments of the server; `-- --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl Serve {
    /// Turns into `cargo run` of the server: cargo then turns into the server itself, so that
    /// ctrl-c and every other signal reach one process and nothing stays behind.
    pub(crate) fn run(&self) -> Outcome {
        // The server needs neither Node nor the network, so it does not fail for want of its page.
        if let Err(message) = page::build_in_haste() {
            let instead = if page::is_built() { "the page of an earlier build" } else { "no page with charts" };
            println!("there will be {instead}, since {message}");
        }
        let unset = MARKET.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
        unset.fold(Tool::cargo(self.cargo_arguments()), |tool, (name, value)| tool.env(name, value)).become_it()
    }

    fn cargo_arguments(&self) -> Vec<&str> {
        let mut cargo = vec!["run", "--package", "trading-api", "--bin", "trading-api"];
        cargo.extend(self.release.then_some("--release"));
        cargo.push("--");
        cargo.extend(self.arguments.iter().map(String::as_str));
        cargo
    }
}

#[cfg(test)]
mod tests {
    use crate::{Command, parse};

    fn check(arguments: &str, expected: &str) {
        let Ok(Command::Serve(serve)) = parse(&format!("serve {arguments}")) else {
            panic!("`{arguments}` is refused")
        };
        let expected = format!("run --package trading-api --bin trading-api{expected}");
        assert_eq!(serve.cargo_arguments().join(" "), expected, "{arguments}");
    }

    #[test]
    fn arguments_reach_the_server_with_and_without_the_dashes() {
        check("", " --");
        check("--release", " --release --");
        check("--port 9000", " -- --port 9000");
        check("-- --port 9000", " -- --port 9000");
        check("--release -- --help", " --release -- --help");
        check("--release --port 9000 --help", " --release -- --port 9000 --help");
        check("-- --release", " -- --release");
    }
}
