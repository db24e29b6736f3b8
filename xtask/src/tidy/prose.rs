//! Rules about words: what must not stand in a file, and what must stand in some.

use super::Breach;
use super::tree::{File, Tree};

// The words are written in two halves so that this file does not break the rules itself.

/// What is unfinished or switched off, in any file of code or prose.
const UNFINISHED: [&str; 4] =
    [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME"), concat!("X", "XX")];

/// The same in Rust, and in scripts.
const IN_RUST: [&str; 1] = [concat!("#[ig", "nore")];
const IN_SCRIPTS: [&str; 5] = [
    concat!(".on", "ly("),
    concat!("it.sk", "ip"),
    concat!("test.sk", "ip"),
    concat!("describe.sk", "ip"),
    concat!("test.fix", "me"),
];

/// Paths of a workplace.
const PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("farm", "-studio"),
    concat!(".lib", "rary/"),
    concat!("../sha", "red"),
];

/// Ends of host names, and starts of addresses, that mean something only inside one network.
const HOST_ENDS: [&str; 4] = [".internal", ".local", ".corp", ".lan"];
const HOST_STARTS: [&str; 2] = ["10.", "192.168."];

/// Words and phrases that do not name the actor, or that a reader has to guess at.
const UNCLEAR: [&str; 14] = [
    concat!("to", "ld"),
    concat!("te", "ll"),
    concat!("te", "lls"),
    concat!("who", "ever"),
    concat!("who", "m"),
    concat!("an", "ew"),
    concat!("for ", "ever"),
    concat!("some", "body"),
    concat!("no", "body"),
    concat!("any", "body"),
    concat!("to be ", "had"),
    concat!("those ", "that"),
    concat!("those ", "who"),
    concat!("one's ", "own"),
];

/// The folders whose sources are free of them. A folder is added once it is.
const CLEAR: [&str; 5] = ["app/", "bench/", "client/", "clients/typescript/src/", "xtask/"];

/// The one file that knows where its continuous integration keeps the recordings.
const CI: &str = ".ci/run";

pub(super) fn unfinished(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in written(tree) {
        let also: &[&str] = if file.is("rs") {
            &IN_RUST
        } else if file.is_script() {
            &IN_SCRIPTS
        } else {
            &[]
        };
        for (number, line) in file.lines() {
            if let Some(word) = UNFINISHED.iter().chain(also).find(|word| stands_in(line, word)) {
                breaches.push(Breach::new(&file.path, number, format!("`{word}`")));
            }
        }
    }
    breaches
}

pub(super) fn waiting(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| (file.is("rs") || file.is_script()) && !file.is_case()) {
        for (number, line) in file.tests() {
            if let Some(word) =
                [concat!("sle", "ep("), concat!("waitFor", "Timeout(")].iter().find(|word| line.contains(*word))
            {
                breaches.push(Breach::new(&file.path, number, format!("`{word}`: wait for what is to happen")));
            }
        }
    }
    breaches
}

pub(super) fn workplace(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_lock() && file.path != CI) {
        for (number, line) in file.lines() {
            let path = PATHS.iter().find(|path| line.contains(*path)).map(|&path| path.to_owned());
            if let Some(word) = path.or_else(|| private_host(line)) {
                breaches.push(Breach::new(
                    &file.path,
                    number,
                    format!("`{word}` is a place of one machine or network"),
                ));
            }
        }
    }
    breaches
}

/// Finds unclear words in sources: in comments, texts and names of variables.
pub(super) fn wording(tree: &Tree) -> Vec<Breach> {
    let is_clear = |file: &&File| CLEAR.iter().any(|folder| file.path.starts_with(folder));
    let mut breaches = Vec::new();
    for file in written(tree).filter(is_clear).filter(|file| file.is("rs") || file.is_script()) {
        for (number, line) in file.lines() {
            let lower = line.to_lowercase();
            if let Some(word) = UNCLEAR.iter().find(|word| stands_in(&lower, word)) {
                breaches.push(Breach::new(&file.path, number, format!("`{word}`: name the actor and what it does")));
            }
        }
    }
    breaches
}

pub(super) fn changelog(tree: &Tree) -> Vec<Breach> {
    let file = "CHANGELOG.md";
    match tree.file(file) {
        Some(found) if found.lines().any(|(_, line)| line.trim() == "## [Unreleased]") => Vec::new(),
        Some(_) => vec![Breach::new(file, 0, "no line is `## [Unreleased]`")],
        None => vec![Breach::new(file, 0, "it is missing")],
    }
}

pub(super) fn readme(tree: &Tree) -> Vec<Breach> {
    let file = "README.md";
    let Some(readme) = tree.file(file) else { return vec![Breach::new(file, 0, "it is missing")] };
    let includes = |source: &File| source.lines().any(|(_, line)| included(source, line).as_deref() == Some(file));
    if !tree.rust("").any(includes) {
        return vec![Breach::new(file, 0, "no crate has `doc = include_str!` of it")];
    }
    let untested =
        |line: &str| line.strip_prefix("```").is_some_and(|tags| tags.starts_with("rust") && tags.contains("ignore"));
    let lines = readme.lines().filter(|(_, line)| untested(line.trim()));
    lines.map(|(number, _)| Breach::new(file, number, "an example is left out of the tests")).collect()
}

/// The file that a line of a source includes as documentation.
fn included(source: &File, line: &str) -> Option<String> {
    Some(source.beside(line.split_once("doc = include_str!(\"")?.1.split('"').next()?))
}

pub(super) fn architecture(tree: &Tree) -> Vec<Breach> {
    let file = "ARCHITECTURE.md";
    match tree.file(file).map(|file| file.lines().count()) {
        None => vec![Breach::new(file, 0, "it is missing")],
        Some(lines) if lines > 250 => vec![Breach::new(file, lines, format!("it has {lines} lines"))],
        Some(_) => Vec::new(),
    }
}

/// What people wrote: no lock files and no recorded output.
fn written(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| !file.is_lock() && !file.is_case())
}

/// Whether a word stands in a line, and not as a part of a longer one.
fn stands_in(line: &str, word: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let starts_in_one = word.starts_with(|c: char| c.is_alphanumeric()) && letter(line[..at].chars().next_back());
        let ends_in_one =
            word.ends_with(|c: char| c.is_alphanumeric()) && letter(line[at + word.len()..].chars().next());
        !starts_in_one && !ends_in_one
    })
}

/// The first host of an address in a line that only a private network knows.
fn private_host(line: &str) -> Option<String> {
    line.match_indices("://").find_map(|(at, marker)| {
        let rest = &line[at + marker.len()..];
        let host = rest.split(|c: char| !c.is_ascii_alphanumeric() && !".-".contains(c)).next()?;
        let private =
            HOST_ENDS.iter().any(|end| host.ends_with(end)) || HOST_STARTS.iter().any(|start| host.starts_with(start));
        private.then(|| host.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_inside_longer_words_are_other_words() {
        assert!(stands_in("a X.X b", "X.X") && stands_in("x(yy(", "yy("));
        assert!(!stands_in("mkstemp(\"aYYY\")", "YYY") && !stands_in("YYYY", "YYY"));
    }

    #[test]
    fn public_hosts_and_loopback_are_no_workplace() {
        for line in [
            "http://127.0.0.1:8000",
            "https://registry.npmjs.org/x",
            "ws://localhost/api",
            "https://keepachangelog.com/en/1.1.0/",
        ] {
            assert_eq!(private_host(line), None, "{line}");
        }
        assert_eq!(private_host(concat!("see http:", "//host.corp:80/x")).unwrap(), "host.corp");
    }
}
