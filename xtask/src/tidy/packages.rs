//! Rules about the packages that are published, and about what each depends on.

use super::Breach;
use super::manifests::{array, entries};
use super::tree::{File, Tree};

/// The licences of the project, which every package holds as files of its own: what is packed
/// holds nothing from outside its folder, and npm packs no links.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

pub(super) fn licences(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for folder in published(tree) {
        for licence in LICENCES {
            let path = format!("{folder}/{licence}");
            let text = |path: &str| tree.file(path).map(|file| &file.text);
            if text(&path).is_none() || text(&path) != text(licence) {
                breaches.push(Breach::new(&path, 0, format!("it is no copy of {licence} at the root")));
            }
        }
    }
    breaches
}

pub(super) fn used(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for member in members(tree) {
        let Some(manifest) = tree.file(&format!("{member}/Cargo.toml")) else { continue };
        let folder = format!("{member}/");
        // The cases of the compile tests are what their package is made of, and nothing of another's.
        let is_own = |file: &&File| {
            file.path.starts_with(&folder) && file.is("rs") && (folder.ends_with("/ui/") || !file.is_case())
        };
        let own = tree.files.iter().filter(is_own);
        let sources: Vec<&File> = own.flat_map(|file| borrowed(tree, file).chain([file])).collect();
        for entry in entries(manifest).into_iter().filter(|entry| entry.section.ends_with("dependencies")) {
            let package = entry.key.split('.').next().unwrap_or_default();
            let name = package.replace('-', "_");
            if !sources.iter().any(|file| names(&file.text, &name)) {
                breaches.push(Breach::new(&manifest.path, entry.line, format!("no source names {package}")));
            }
        }
    }
    breaches
}

/// The folders of the packages that a registry gets.
fn published(tree: &Tree) -> Vec<String> {
    let is_kept = |file: &File| file.text.lines().any(|line| line.trim() == "publish = false");
    let crates = members(tree).into_iter().filter(|member| {
        let manifest = tree.file(&format!("{member}/Cargo.toml"));
        manifest.is_some_and(|file| !is_kept(file))
    });
    let is_private = |file: &File| file.text.lines().any(|line| line.trim() == "\"private\": true,");
    let modules = tree.files.iter().filter_map(|file| {
        let folder = file.path.strip_suffix("/package.json")?;
        (!is_private(file) && !file.is_case()).then(|| folder.to_owned())
    });
    crates.chain(modules).collect()
}

fn members(tree: &Tree) -> Vec<String> {
    tree.file("Cargo.toml").map(|root| array(root, "members")).unwrap_or_default()
}

/// The files of other folders that a source has as modules.
fn borrowed<'a>(tree: &'a Tree, file: &'a File) -> impl Iterator<Item = &'a File> {
    file.lines().filter_map(|(_, line)| {
        let path = line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]")?;
        tree.file(&file.beside(path))
    })
}

/// Returns true if a text of Rust names a crate: as the start of a path, or as what is imported.
fn names(text: &str, name: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let is_word = !before.ends_with(is_letter);
        let is_import = before.ends_with("use ") && after.starts_with([';', ' ']);
        is_word && (after.starts_with("::") || is_import)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_named_by_a_path_or_an_import() {
        for text in
            ["use serde::Serialize;", "let x = ::serde::de::f();", "use serde;", "use serde as s;", "#[serde::x]"]
        {
            assert!(names(text, "serde"), "{text}");
        }
        for text in ["serde_json::Value", "myserde::x", "// serde", "let serde = 1;"] {
            assert!(!names(text, "serde"), "{text}");
        }
    }
}
