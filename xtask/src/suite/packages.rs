//! The published packages: builds them from their own files, and checks their contents.

use super::Report;
use crate::Outcome;
use crate::tool::Tool;
use crate::typescript;

/// The published crates, each after its dependencies.
const CRATES: [&str; 3] = ["topicast-macros", "topicast", "topicast-client"];

/// The files of every package besides its code.
const HELD: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

pub(super) fn run(_: &mut Report) -> Outcome {
    let named = || CRATES.iter().flat_map(|name| ["--package", name]);
    for name in CRATES {
        let list = Tool::cargo(["package", "--list", "--allow-dirty", "--package", name]).read()?;
        holds(name, &list.lines().collect::<Vec<_>>())?;
    }
    // Uses cached dependencies first, so that packing needs no network.
    Tool::cargo(["fetch", "--locked"]).run()?;
    Tool::cargo(["package", "--locked", "--offline", "--allow-dirty"]).args(named()).run()?;
    let folder = typescript::package()?;
    let list = Tool::new("npm").args(["pack", "--dry-run", "--json", "--ignore-scripts"]).dir(&folder).read()?;
    holds("the npm package", &list.split('"').collect::<Vec<_>>())?;
    Tool::new("npx").args(["--no-install", "publint", "--strict"]).dir(&folder).run()
}

/// Fails if a package lacks a file that every package has.
fn holds(package: &str, files: &[&str]) -> Outcome {
    match HELD.iter().find(|held| !files.contains(held)) {
        Some(missing) => Err(format!("{package} would be published without {missing}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_a_licence_is_not_published() {
        assert_eq!(holds("a", &["LICENSE-MIT", "src/lib.rs", "LICENSE-APACHE"]), Ok(()));
        assert_eq!(holds("a", &["LICENSE-MIT"]).unwrap_err(), "a would be published without LICENSE-APACHE");
    }
}
