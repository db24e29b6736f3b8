//! The rule that modules are listed in reading order: each uses only those after it.

use super::Breach;
use super::layers::module;
use super::tree::{File, Tree};

/// The sources of the crates that the rule is for.
const CRATES: [&str; 6] = ["runtime/src/", "macros/src/", "client/src/", "app/src/", "bench/src/", "xtask/src/"];

/// Folders whose `mod.rs` lists its files in reading order, too.
const FOLDERS: [&str; 8] = ["call", "connection", "declare", "docs", "fanout", "listen", "topics", "wire"];

pub(super) fn order(tree: &Tree) -> Vec<Breach> {
    let crates = CRATES.iter().flat_map(|sources| of_crate(tree, sources));
    crates.chain(FOLDERS.iter().flat_map(|folder| of_folder(tree, folder))).collect()
}

/// One use of a module by another, both counted in the root's list.
struct Use {
    from: usize,
    to: usize,
    file: String,
    line: usize,
}

fn of_crate(tree: &Tree, sources: &str) -> Vec<Breach> {
    let Some(root) = ["lib.rs", "main.rs"].iter().find_map(|name| tree.file(&format!("{sources}{name}"))) else {
        return Vec::new();
    };
    let modules = modules(root);
    let uses = uses(tree, sources, root, &modules);
    breaches(root, &modules, &uses)
}

/// Checks the files of a folder of runtime against the list in its `mod.rs`.
fn of_folder(tree: &Tree, folder: &str) -> Vec<Breach> {
    let sources = format!("runtime/src/{folder}/");
    let Some(root) = tree.file(&format!("{sources}mod.rs")) else { return Vec::new() };
    let modules = modules(root);
    let place = |name: &str| modules.iter().position(|other| other == name);
    let mut uses = Vec::new();
    for file in tree.rust(&sources).filter(|file| file.path != root.path) {
        let Some(from) = place(module(file, &sources)) else { continue };
        let is_direct = !file.path[sources.len()..].contains('/');
        for (line, path) in use_paths(file) {
            let inside = match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["crate", first, inside, ..] if first == folder => inside,
                ["super", inside, ..] if is_direct => inside,
                _ => continue,
            };
            if let Some(to) = place(inside) {
                uses.push(Use { from, to, file: file.path.clone(), line });
            }
        }
    }
    breaches(root, &modules, &uses)
}

/// Reports what stands in the list after a module that it uses.
fn breaches(root: &File, modules: &[String], uses: &[Use]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let backward: Vec<&Use> = uses.iter().filter(|used| used.to < used.from).collect();
    if backward.is_empty() {
        return breaches;
    }
    if let Some(order) = arranged(modules.len(), uses) {
        let list: Vec<&str> = order.iter().map(|&at| modules[at].as_str()).collect();
        breaches.push(Breach::new(&root.path, 0, format!("list the modules in this order: {}", list.join(", "))));
        return breaches;
    }
    let all: Vec<&Use> = uses.iter().collect();
    for used in backward {
        let (from, to) = (&modules[used.from], &modules[used.to]);
        let why = if reaches(&all, used.to, used.from) { "which uses it in turn" } else { "which is listed before it" };
        breaches.push(Breach::new(&used.file, used.line, format!("{from} uses {to}, {why}")));
    }
    breaches
}

/// Whether a module uses another, itself or through others.
fn reaches(uses: &[&Use], from: usize, to: usize) -> bool {
    let mut seen = vec![from];
    let mut at = 0;
    while let Some(&module) = seen.get(at) {
        for next in uses.iter().filter(|used| used.from == module && used.to != module).map(|used| used.to) {
            if next == to {
                return true;
            }
            if !seen.contains(&next) {
                seen.push(next);
            }
        }
        at += 1;
    }
    false
}

/// Every use of one module of a crate's root by another.
fn uses(tree: &Tree, sources: &str, root: &File, modules: &[String]) -> Vec<Use> {
    let place = |name: &str| modules.iter().position(|other| other == name);
    let reexports = reexports(root, modules);
    let mut uses = Vec::new();
    for file in tree.rust(sources).filter(|file| file.path != root.path) {
        let Some(from) = place(module(file, sources)) else { continue };
        for (line, name) in used(file, sources) {
            let reexport = || reexports.iter().find(|(item, _)| *item == name).and_then(|(_, module)| place(module));
            if let Some(to) = place(&name).or_else(reexport) {
                uses.push(Use { from, to, file: file.path.clone(), line });
            }
        }
    }
    uses
}

/// An order in which each module stands before those it uses, as near to the present one as
/// can be. There is none where modules use each other in a circle.
fn arranged(count: usize, uses: &[Use]) -> Option<Vec<usize>> {
    let mut left: Vec<usize> = (0..count).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let unused = |module: &usize| {
            !uses.iter().any(|used| used.to == *module && used.from != *module && left.contains(&used.from))
        };
        let at = left.iter().position(unused)?;
        order.push(left.remove(at));
    }
    Some(order)
}

/// The modules that a crate's root lists, in its order.
fn modules(root: &File) -> Vec<String> {
    let after_mod = |line: &str| {
        let line = line.trim().strip_suffix(';')?;
        let (before, name) = line.rsplit_once(' ')?;
        before.split(' ').next_back().filter(|word| *word == "mod")?;
        Some(name.to_owned())
    };
    root.product().filter_map(|(_, line)| after_mod(line)).collect()
}

/// What a crate's root gives out under its own name, with the module that it comes from.
fn reexports(root: &File, modules: &[String]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let text = code(root);
    for (at, _) in text.match_indices("use ") {
        let Some(tree) = text[at + 4..].split(';').next() else { continue };
        for path in paths(tree) {
            let path: Vec<&str> =
                path.iter().map(String::as_str).filter(|part| !matches!(*part, "crate" | "self")).collect();
            if let [first, .., last] = path[..]
                && modules.iter().any(|module| module == first)
            {
                found.push((last.to_owned(), first.to_owned()));
            }
        }
    }
    found
}

/// What a file names of its crate's root, with the line: `x` of `crate::x::y`, of
/// `use crate::{x, y::z}`, and of `super::x` where the parent is the root.
fn used(file: &File, sources: &str) -> Vec<(usize, String)> {
    let text = code(file);
    let rest = file.path.strip_prefix(sources).unwrap_or_default();
    let below_root = !rest.contains('/') || rest.ends_with("/mod.rs") && rest.matches('/').count() == 1;
    let mut found = Vec::new();
    for prefix in if below_root { &["crate::", "super::"][..] } else { &["crate::"][..] } {
        for (at, _) in text.match_indices(prefix) {
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let start = at + prefix.len();
            for (offset, name) in firsts(&text[start..]) {
                let line = text[..start + offset].matches('\n').count() + 1;
                found.push((line, name));
            }
        }
    }
    found.sort();
    found
}

/// The first names of a path, or of every path in a group, with where each stands.
fn firsts(text: &str) -> Vec<(usize, String)> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = text.strip_prefix('{') else { return vec![(0, word(text))] };
    let mut found = Vec::new();
    let (mut depth, mut expected) = (1, true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => expected = true,
            _ if expected && depth == 1 && !character.is_whitespace() => {
                found.push((at + 1, word(&group[at..])));
                expected = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// Every path that a file's `use` items name, with the line of the item.
fn use_paths(file: &File) -> Vec<(usize, Vec<String>)> {
    let text = code(file);
    let mut found = Vec::new();
    for (at, _) in text.match_indices("use ") {
        let begins = text[..at].chars().next_back().is_none_or(char::is_whitespace);
        let Some(tree) = text[at + 4..].split(';').next().filter(|_| begins) else { continue };
        let line = text[..at].matches('\n').count() + 1;
        found.extend(paths(tree).into_iter().map(|path| (line, path)));
    }
    found
}

/// Every path of a `use` tree, as its parts; of `a as b` the `b`.
fn paths(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let (prefix, group) = match tree.split_once('{') {
        Some((prefix, rest)) => (prefix, rest.rsplit_once('}').map_or(rest, |(inside, _)| inside)),
        None => {
            let parts = tree.split("::").map(|part| part.split(" as ").last().unwrap_or_default().trim().to_owned());
            return vec![parts.collect()];
        }
    };
    let parts: Vec<String> =
        prefix.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut found = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[start..at].trim().is_empty() {
                    found.extend(
                        paths(&group[start..at]).into_iter().map(|rest| parts.iter().cloned().chain(rest).collect()),
                    );
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// A file's text up to its tests, with comments blanked so that line numbers stay.
fn code(file: &File) -> String {
    let end = file.tests_begin();
    let lines = file.lines().take_while(|(number, _)| *number < end);
    lines.map(|(_, line)| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_tree_is_taken_apart() {
        let found: Vec<String> = paths("a::{b::C, d::{E as F, self}, g}").iter().map(|path| path.join("::")).collect();
        assert_eq!(found, ["a::b::C", "a::d::F", "a::d::self", "a::g"]);
    }

    #[test]
    fn the_first_names_of_a_group_are_found() {
        let found = firsts("{\n  b::{C, D},\n  e,\n}; other::x");
        assert_eq!(found, [(4, "b".to_owned()), (17, "e".to_owned())]);
        assert_eq!(firsts("frame::Frame)"), [(0, "frame".to_owned())]);
    }

    #[test]
    fn an_order_is_found_where_there_is_no_circle() {
        let uses = |pairs: &[(usize, usize)]| -> Vec<Use> {
            pairs.iter().map(|&(from, to)| Use { from, to, file: String::new(), line: 0 }).collect()
        };
        assert_eq!(arranged(4, &uses(&[(2, 0), (0, 1), (3, 3)])), Some(vec![2, 0, 1, 3]));
        let circle = uses(&[(0, 1), (1, 2), (2, 1), (2, 3)]);
        assert_eq!(arranged(4, &circle), None);
        let circle: Vec<&Use> = circle.iter().collect();
        assert!(reaches(&circle, 1, 1) && reaches(&circle, 0, 3));
        assert!(!reaches(&circle, 0, 0) && !reaches(&circle, 3, 3));
    }
}
