//! The rule that every public macro and type of a published crate has an example.

use super::Breach;
use super::tree::{File, Tree};

/// The sources of the crates whose reference users read.
const CRATES: [&str; 2] = ["runtime/src/", "client/src/"];

/// What the fence of a block says that is compiled as an example; nothing, most often.
const COMPILED: [&str; 5] = ["", "rust", "no_run", "should_panic", "compile_fail"];

pub(super) fn examples(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for sources in CRATES {
        let Some(root) = tree.file(&format!("{sources}lib.rs")) else { continue };
        for name in exported(tree, sources, root) {
            let others = CRATES.iter().filter(|other| **other != sources);
            let found = [&sources].into_iter().chain(others).find_map(|sources| declared(tree, sources, &name));
            match found {
                Some((file, line)) if !has_example(file, line) => {
                    breaches.push(Breach::new(&file.path, line, format!("`{name}` has no example")));
                }
                Some(_) => {}
                None => breaches.push(Breach::new(&root.path, 0, format!("no source declares `{name}`"))),
            }
        }
    }
    breaches
}

/// The types that a crate's root exports, those of its public modules, and its macros.
fn exported(tree: &Tree, sources: &str, root: &File) -> Vec<String> {
    let mut names = imported(root);
    for module in public_modules(root) {
        let files = [format!("{sources}{module}.rs"), format!("{sources}{module}/mod.rs")];
        for file in files.iter().filter_map(|path| tree.file(path)) {
            names.extend(imported(file));
            names.extend(file.product().filter_map(|(_, line)| declaration(line).map(str::to_owned)));
        }
    }
    let macros = tree.rust(sources).flat_map(File::product).filter_map(|(_, line)| exported_macro(line));
    names.extend(macros.map(str::to_owned));
    names
}

/// The types in the `pub use` of a file: what begins with a capital and goes on in small letters.
fn imported(file: &File) -> Vec<String> {
    let text: String = file.product().map(|(_, line)| format!("{line}\n")).collect();
    let statements = text.split(';').filter_map(|statement| Some(statement.split_once("pub use ")?.1.to_owned()));
    let is_type = |word: &str| word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    statements
        .flat_map(|list| {
            list.split(|c| !is_letter(c)).filter(|word| is_type(word)).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// The modules that a crate's root shows to users.
fn public_modules(root: &File) -> Vec<&str> {
    let lines: Vec<&str> = root.lines().map(|(_, line)| line).collect();
    let mut modules = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) else { continue };
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        if attributes.into_iter().all(|attribute| *attribute != "#[doc(hidden)]") {
            modules.push(name);
        }
    }
    modules
}

/// The file and line in which a crate declares a type or exports a macro.
fn declared<'a>(tree: &'a Tree, sources: &'a str, name: &str) -> Option<(&'a File, usize)> {
    tree.rust(sources).find_map(|file| {
        let is_it = |line: &str| declaration(line).or_else(|| exported_macro(line)) == Some(name);
        file.product().find(|(_, line)| is_it(line)).map(|(number, _)| (file, number))
    })
}

/// The name of the public type that a line declares.
fn declaration(line: &str) -> Option<&str> {
    let rest = ["pub struct ", "pub enum ", "pub trait "].iter().find_map(|start| line.strip_prefix(start))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The name of the macro that a line exports.
fn exported_macro(line: &str) -> Option<&str> {
    line.strip_prefix("pub use topicast_macros::")?.strip_suffix(';')
}

/// Returns true if the documentation above a line has a block that is compiled.
fn has_example(file: &File, line: usize) -> bool {
    let above: Vec<&str> = file.text.lines().take(line - 1).collect();
    let documentation = above.iter().rev().take_while(|line| !line.is_empty());
    let fences: Vec<&str> = documentation.filter_map(|line| line.strip_prefix("/// ```")).collect();
    // From below, so that every second fence begins a block.
    fences.iter().skip(1).step_by(2).any(|tags| COMPILED.contains(tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_a_block_that_is_compiled() {
        let check = |documentation: &str, expected: bool| {
            let text = format!("use a::b;\n\n{documentation}#[derive(Debug)]\npub struct Bars;\n");
            let tree = Tree::of_texts([("a.rs", text.as_str())].into_iter());
            let file = tree.file("a.rs").unwrap();
            let (line, _) = file.lines().find(|(_, line)| declaration(line) == Some("Bars")).unwrap();
            assert_eq!(has_example(file, line), expected, "{documentation}");
        };
        check("/// Bars.\n///\n/// ```\n/// a();\n/// ```\n", true);
        check("/// ```no_run\n/// a();\n/// ```\n/// And more.\n", true);
        check("/// ```text\n/// a\n/// ```\n///\n/// ```\n/// a();\n/// ```\n", true);
        check("/// Bars.\n", false);
        check("/// ```text\n/// a\n/// ```\n", false);
        check("/// ```ignore\n/// a();\n/// ```\n", false);
        check("/// ```\n/// another's();\n/// ```\npub struct Other;\n\n", false);
    }

    #[test]
    fn types_are_found_in_lists_and_functions_are_not() {
        let text =
            "pub use a::{B, Cd, ef, G_H};\nuse x::Yz;\npub use {\n    crate::one::Two,\n    three::{Four, five},\n};\n";
        let tree = Tree::of_texts([("a.rs", text)].into_iter());
        assert_eq!(imported(tree.file("a.rs").unwrap()), ["Cd", "Two", "Four"]);
    }
}
