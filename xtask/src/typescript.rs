//! `cargo xtask typescript`: the typed TypeScript clients, written or compared.

use std::fs;
use std::path::PathBuf;

use crate::Outcome;
use crate::built;
use crate::npm;
use crate::project;
use crate::tool::Tool;

/// Write the typed TypeScript clients from their documents
#[derive(clap::Args)]
pub(crate) struct Typescript {
    /// Write nothing, and fail where a client is stale
    #[arg(long)]
    pub(crate) check: bool,
}

impl Typescript {
    pub(crate) fn run(&self) -> Outcome {
        generate_all(if self.check { &["--check"] } else { &[] })
    }
}

fn generate_all(arguments: &[&str]) -> Outcome {
    let root = project::root();
    let folder = package()?;
    let generate = |document: &str, module: PathBuf, more: &[&str]| {
        Tool::new("node")
            .args(["dist/generate/cli.js", "generate", document, "-o"])
            .args([module])
            .args(more)
            .args(arguments)
            .dir(&folder)
            .run()
    };
    generate("../../asyncapi/asyncapi-3.json", root.join("app/web/src/api.ts"), &[])?;
    // The document of the tests' server is of no other use, so it is not committed.
    let text = Tool::new(built::example("kit_server")?).args(["--document"]).read()?;
    let document = folder.join("node_modules/.kit.json");
    fs::write(&document, text).map_err(|error| format!("cannot write {}: {error}", document.display()))?;
    generate("node_modules/.kit.json", folder.join("test/kit/api.ts"), &["--runtime", "../../src/index.js"])
}

/// The folder of the npm package, built.
pub(crate) fn package() -> Outcome<PathBuf> {
    let folder = project::root().join("clients/typescript");
    npm::prepare(&folder)?;
    Tool::new("npm").args(["run", "--silent", "build"]).dir(&folder).run()?;
    Ok(folder)
}
