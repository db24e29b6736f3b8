//! Rules about manifests, lock files and settings of package managers.

use super::Breach;
use super::tree::{File, Tree};

/// Which package may not depend on which.
const APART: [(&str, &[&str]); 2] =
    [("macros/Cargo.toml", &["topicast", "trading-api"]), ("runtime/Cargo.toml", &["trading-api", "topicast-client"])];

/// What only the manifest of the workspace states.
const INHERITED: [&str; 3] = ["version", "edition", "rust-version"];

pub(super) fn members(tree: &Tree) -> Vec<Breach> {
    let Some(root) = tree.file("Cargo.toml") else { return vec![Breach::new("Cargo.toml", 0, "it is missing")] };
    let (members, excluded) = (array(root, "members"), array(root, "exclude"));
    let manifest = |member: &String| format!("{member}/Cargo.toml");
    let missing = members.iter().map(manifest).filter(|path| tree.file(path).is_none());
    let mut breaches: Vec<_> = missing.map(|path| Breach::new(&path, 0, "a member has no manifest")).collect();
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml") && !file.is_case()) {
        if !members.iter().chain(&excluded).map(manifest).any(|path| path == file.path) {
            breaches.push(Breach::new(&file.path, 0, "it is neither a member nor excluded"));
        }
    }
    breaches
}

pub(super) fn versions(tree: &Tree) -> Vec<Breach> {
    let Some(root) = tree.file("Cargo.toml") else { return Vec::new() };
    let mut breaches = Vec::new();
    for file in array(root, "members").iter().filter_map(|member| tree.file(&format!("{member}/Cargo.toml"))) {
        let mut lints = false;
        for Entry { section, key, value, line } in entries(file) {
            lints |= section == "lints" && key == "workspace" && value == "true";
            if section == "package" && INHERITED.contains(&key) {
                breaches.push(Breach::new(&file.path, line, format!("write `{key}.workspace = true`")));
            }
            let stated = value.starts_with('"') || value.contains("version =") || value.contains("git =");
            if section.ends_with("dependencies") && stated && !key.ends_with(".features") {
                breaches.push(Breach::new(
                    &file.path,
                    line,
                    format!("write `{key}.workspace = true` and its version in the workspace"),
                ));
            }
        }
        if !lints {
            breaches.push(Breach::new(&file.path, 0, "it lacks `[lints] workspace = true`"));
        }
    }
    breaches
}

pub(super) fn layers(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (path, apart) in APART {
        let Some(file) = tree.file(path) else { continue };
        for entry in entries(file).into_iter().filter(|entry| entry.section.ends_with("dependencies")) {
            let package = entry.key.split('.').next().unwrap_or_default();
            if apart.contains(&package) {
                breaches.push(Breach::new(path, entry.line, format!("it may not depend on {package}")));
            }
        }
    }
    breaches
}

pub(super) fn registries(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if tree.file("Cargo.lock").is_none() {
        breaches.push(Breach::new("Cargo.lock", 0, "it is missing, so versions would differ from build to build"));
    }
    for file in &tree.files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if [".npmrc", ".yarnrc", "pip.conf", ".pypirc"].contains(&name) {
            breaches.push(Breach::new(&file.path, 0, "settings of a registry belong to a machine"));
        }
        for (number, line) in file.lines() {
            let line = line.trim();
            let other = match name {
                "Cargo.lock" => line
                    .strip_prefix("source = \"")
                    .is_some_and(|source| !source.starts_with("registry+https://github.com/rust-lang/crates.io-index")),
                "package-lock.json" => line.strip_prefix("\"resolved\": \"").is_some_and(|address| {
                    address.contains("://") && !address.starts_with("https://registry.npmjs.org/")
                }),
                "config.toml" => line.starts_with("[source") || line.starts_with("[registries"),
                "requirements.txt" => line.starts_with('-') || line.contains("://"),
                _ => false,
            };
            if other {
                breaches.push(Breach::new(&file.path, number, format!("`{line}` is no public registry")));
            }
        }
    }
    breaches
}

/// A line `key = value` of a manifest and the section it stands in.
pub(super) struct Entry<'a> {
    pub(super) section: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) line: usize,
}

pub(super) fn entries(file: &File) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut entries = Vec::new();
    for (line, text) in file.lines() {
        let text = text.trim();
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = text.split_once('=')
            && !text.starts_with('#')
        {
            entries.push(Entry { section, key: key.trim(), value: value.trim(), line });
        }
    }
    entries
}

/// The strings of an array on one line or several.
pub(super) fn array(file: &File, key: &str) -> Vec<String> {
    let Some(start) =
        file.text.lines().position(|line| line.split('=').next().is_some_and(|found| found.trim() == key))
    else {
        return Vec::new();
    };
    let text: String = file.text.lines().skip(start).collect::<Vec<_>>().join("\n");
    let text = text.split(']').next().unwrap_or_default();
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}
