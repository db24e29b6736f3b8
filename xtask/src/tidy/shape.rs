//! Rules about files as a whole: how they open, how long they are, whether they belong here.

use super::Breach;
use super::tree::Tree;

/// Lines that a source may have before its tests.
const LINES: usize = 450;

/// Bytes beyond which a file was not written by hand: a recording, or something generated.
const BYTES: usize = 256 * 1024;

pub(super) fn opening(tree: &Tree) -> Vec<Breach> {
    // A crate whose documentation is the README opens with that.
    let opens = |line: &str| {
        line.strip_prefix("//! ").is_some_and(|rest| !rest.is_empty()) || line.starts_with("#![doc = include_str!(")
    };
    let wrong = tree.rust("").filter(|file| !file.text.lines().next().is_some_and(opens));
    wrong.map(|file| Breach::new(&file.path, 1, "it does not open with `//! ` and a sentence")).collect()
}

pub(super) fn length(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| (file.is("rs") || file.is_script()) && !file.is_case()) {
        // A file of nothing but tests is measured whole.
        let begin = if file.tests_begin() == 1 { usize::MAX } else { file.tests_begin() };
        let lines = file.lines().filter(|(number, _)| *number < begin).count();
        if lines > LINES {
            breaches.push(Breach::new(&file.path, lines, format!("it has {lines} lines and may hold two nouns")));
        }
    }
    breaches
}

pub(super) fn bundles(tree: &Tree) -> Vec<Breach> {
    const FOLDERS: [&str; 6] = ["dist", "target", "node_modules", "playwright-report", "test-results", "venv"];
    const ENDINGS: [&str; 5] = [".min.js", ".map", ".snap.new", ".pyc", ".tsbuildinfo"];
    let mut breaches = Vec::new();
    for file in &tree.files {
        if let Some(folder) = FOLDERS.iter().find(|folder| file.within(folder)) {
            breaches.push(Breach::new(&file.path, 0, format!("`{folder}/` holds what a build makes")));
        } else if let Some(ending) = ENDINGS.iter().find(|ending| file.path.ends_with(*ending)) {
            breaches.push(Breach::new(&file.path, 0, format!("a `{ending}` file is made by a program")));
        } else if file.bytes > BYTES && !file.is_lock() {
            breaches.push(Breach::new(&file.path, 0, format!("it has {} bytes, more than {BYTES}", file.bytes)));
        }
    }
    breaches
}
