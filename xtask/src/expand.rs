//! What the attributes generate for a declaration of the trading server.

use crate::Outcome;
use crate::tool::Tool;

/// Where the trading server's channels are declared.
const SOURCES: &str = "app/src";

/// Prints the expansion of the channel, operation or push of that name.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let [name] = arguments else {
        return Err("one name is needed, for example `cargo xtask expand bars`".to_owned());
    };
    let example = ["run", "--quiet", "--package", "topicast-macros", "--example", "expand", "--"];
    Tool::cargo(example).args([name.as_str(), SOURCES]).become_it()
}
