//! What the attributes generate for a declaration of the trading server.

use crate::Outcome;
use crate::tool::Tool;

/// Where the trading server's channels are declared.
const SOURCES: &str = "app/src";

/// Print what is generated for a channel, operation or push of the trading server
#[derive(clap::Args)]
pub(crate) struct Expand {
    /// The route of a channel, or the name of an operation or push; for example `bars`
    name: String,
}

impl Expand {
    pub(crate) fn run(&self) -> Outcome {
        let example = ["run", "--quiet", "--package", "topicast-macros", "--example", "expand", "--"];
        Tool::cargo(example).args([self.name.as_str(), SOURCES]).become_it()
    }
}
