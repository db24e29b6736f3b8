//! The rule that the modules of a script project do not import each other in a cycle.

use super::Breach;
use super::tree::{File, Tree};

/// The sources that the rule checks.
const SOURCES: [&str; 2] = ["clients/typescript/src/", "app/web/src/"];

pub(super) fn imports(tree: &Tree) -> Vec<Breach> {
    SOURCES.iter().flat_map(|sources| of_project(tree, sources)).collect()
}

/// One import of a file by another, both as indices into the project's files.
struct Import {
    from: usize,
    to: usize,
    line: usize,
}

fn of_project(tree: &Tree, sources: &str) -> Vec<Breach> {
    let is_source = |file: &&File| file.path.starts_with(sources) && file.is_script();
    let files: Vec<&File> = tree.files.iter().filter(is_source).collect();
    let imports: Vec<Import> = files.iter().enumerate().flat_map(|(from, file)| of_file(&files, from, file)).collect();
    let mut breaches = Vec::new();
    for import in &imports {
        if let Some(path) = path(&imports, files.len(), import.to, import.from) {
            let names: Vec<&str> = path.iter().map(|&at| &files[at].path[sources.len()..]).collect();
            let what = format!("the import closes a cycle: it leads back here through {}", names.join(", "));
            breaches.push(Breach::new(&files[import.from].path, import.line, what));
        }
    }
    breaches
}

/// Returns the imports of a file that lead to other files of the project.
fn of_file(files: &[&File], from: usize, file: &File) -> Vec<Import> {
    let mut imports = Vec::new();
    for (line, text) in file.lines() {
        let Some(target) = target(text) else { continue };
        // Sources import the compiled name, `x.js` for `x.ts`.
        let found = file.beside(target.trim_start_matches("./"));
        let stem = found.strip_suffix(".js").unwrap_or(&found);
        let same = |other: &&File| other.path.rsplit_once('.').is_some_and(|(other, _)| other == stem);
        imports.extend(files.iter().position(same).map(|to| Import { from, to, line }));
    }
    imports
}

/// Returns the relative path that a line imports or exports from: `import … from "./x.js"`,
/// `} from "./x.js"`, `import "./x.js"` and `import("./x.js")`.
fn target(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if line.starts_with("//") || line.starts_with('*') {
        return None;
    }
    ["from \"", "import \"", "import(\""].iter().find_map(|marker| {
        let path = line.split_once(marker)?.1.split('"').next()?;
        path.starts_with('.').then_some(path)
    })
}

/// Returns the files on a shortest path of imports, both ends included.
fn path(imports: &[Import], count: usize, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut before: Vec<Option<usize>> = vec![None; count];
    let mut seen = vec![from];
    let mut next = 0;
    while let Some(&at) = seen.get(next) {
        if at == to {
            let mut path = vec![at];
            while let Some(earlier) = path.last().and_then(|&last| before[last]) {
                path.push(earlier);
            }
            path.reverse();
            return Some(path);
        }
        for import in imports.iter().filter(|import| import.from == at) {
            if !seen.contains(&import.to) {
                before[import.to] = Some(at);
                seen.push(import.to);
            }
        }
        next += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_import_is_found() {
        let check = |line: &str, expected| assert_eq!(target(line), expected, "{line}");
        check("import { a } from \"./b.js\";", Some("./b.js"));
        check("} from \"../b.js\";", Some("../b.js"));
        check("export type { A } from \"./b.js\";", Some("./b.js"));
        check("import \"./b.js\";", Some("./b.js"));
        check("const b = await import(\"./b.js\");", Some("./b.js"));
        check("import { test } from \"vitest\";", None);
        check(" * import { a } from \"./b.js\";", None);
    }

    #[test]
    fn a_cycle_is_reported_at_each_of_its_imports_with_the_way_back() {
        let file = |name: &'static str, text: &'static str| (name, text);
        let tree = Tree::of_texts(
            [
                file("app/web/src/a.ts", "// A.\nimport { b } from \"./deep/b.js\";\n"),
                file("app/web/src/c.ts", "import type { A } from \"./a.js\";\n"),
                file("app/web/src/d.ts", "import { a } from \"./a.js\";\n"),
                file("app/web/src/deep/b.ts", "import { c } from \"../c.js\";\n"),
            ]
            .into_iter(),
        );
        let breaches: Vec<_> =
            imports(&tree).into_iter().map(|breach| (breach.file, breach.line, breach.what)).collect();
        assert_eq!(breaches.len(), 3);
        let what = "the import closes a cycle: it leads back here through deep/b.ts, c.ts, a.ts";
        assert_eq!(breaches[0], ("app/web/src/a.ts".to_owned(), 2, what.to_owned()));
    }

    #[test]
    fn a_file_that_imports_itself_is_a_cycle() {
        let tree = Tree::of_texts([("app/web/src/a.ts", "import { a } from \"./a.js\";\n")].into_iter());
        assert_eq!(imports(&tree).len(), 1);
    }
}
