//! The published packages: builds them from their own files, and checks their contents.

use std::{env, fs, path::PathBuf};

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
    forget_unpacked();
    Tool::cargo(["package", "--locked", "--offline", "--allow-dirty"]).args(named()).run()?;
    let folder = typescript::package()?;
    let list = Tool::new("npm").args(["pack", "--dry-run", "--json", "--ignore-scripts"]).dir(&folder).read()?;
    holds("the npm package", &list.split('"').collect::<Vec<_>>())?;
    Tool::new("npx").args(["--no-install", "publint", "--strict"]).dir(&folder).run()
}

/// Removes what an earlier run has unpacked of these packages.
///
/// cargo verifies a package against those before it in a registry of the target folder, and unpacks a
/// version only once. As long as the version is the same, it would verify the client against an
/// older library.
fn forget_unpacked() {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let Some(registries) = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok()) else { return };
    for registry in registries.flatten() {
        // The name of a registry in a folder has no host before the hyphen.
        if !registry.file_name().to_string_lossy().starts_with('-') {
            continue;
        }
        for package in fs::read_dir(registry.path()).into_iter().flatten().flatten() {
            if CRATES.iter().any(|name| is_version_of(&package.file_name().to_string_lossy(), name)) {
                // If it cannot be removed, the packaging reports what is wrong.
                let _ = fs::remove_dir_all(package.path());
            }
        }
    }
}

/// Returns true if a folder's name is a package's name and version.
fn is_version_of(folder: &str, name: &str) -> bool {
    let version = folder.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
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
    fn a_folder_is_of_the_package_that_its_name_begins_with() {
        assert!(is_version_of("topicast-0.1.0", "topicast"));
        assert!(!is_version_of("topicast-macros-0.1.0", "topicast"));
        assert!(is_version_of("topicast-macros-0.1.0", "topicast-macros"));
    }

    #[test]
    fn a_package_without_a_licence_is_not_published() {
        assert_eq!(holds("a", &["LICENSE-MIT", "src/lib.rs", "LICENSE-APACHE"]), Ok(()));
        assert_eq!(holds("a", &["LICENSE-MIT"]).unwrap_err(), "a would be published without LICENSE-APACHE");
    }
}
