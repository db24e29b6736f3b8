//! `cargo xtask asyncapi`: the trading server's documents, written or compared.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::built;
use crate::project;
use crate::tool::Tool;

const MENDS: &str = "cargo xtask asyncapi";

/// A document: its file, counted from the project's root, and its text.
struct Document {
    file: &'static str,
    text: String,
}

/// Write the trading server's AsyncAPI documents to `asyncapi/`
#[derive(clap::Args)]
pub(crate) struct Asyncapi {
    /// Write nothing, and fail where a document is stale
    #[arg(long)]
    pub(crate) check: bool,
}

impl Asyncapi {
    pub(crate) fn run(&self) -> Outcome {
        let root = project::root();
        let documents = documents()?;
        if self.check { check(&root, &documents) } else { write(&root, &documents) }
    }
}

/// Both documents, as the server of the present sources serves them.
///
/// An example of the server prints them, so that xtask itself builds in a moment.
fn documents() -> Outcome<Vec<Document>> {
    let program = built::example("asyncapi")?;
    [("asyncapi/asyncapi.json", "2"), ("asyncapi/asyncapi-3.json", "3")]
        .into_iter()
        .map(|(file, version)| Ok(Document { file, text: Tool::new(&program).args([version]).read()? }))
        .collect()
}

fn write(root: &Path, documents: &[Document]) -> Outcome {
    for Document { file, text } in documents {
        let path = root.join(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
        }
        fs::write(&path, text).map_err(|error| format!("cannot write {file}: {error}"))?;
        println!("{file}: {} bytes", text.len());
    }
    Ok(())
}

fn check(root: &Path, documents: &[Document]) -> Outcome {
    let mut stale = Vec::new();
    for Document { file, text } in documents {
        match fs::read_to_string(root.join(file)) {
            Ok(found) => stale.extend(difference(&found, text).map(|place| format!("{file} is stale: {place}"))),
            Err(error) => stale.push(format!("{file} cannot be read: {error}")),
        }
    }
    if stale.is_empty() {
        println!("asyncapi: {} documents are as the server writes them", documents.len());
        return Ok(());
    }
    Err(format!("{}\nwrite the documents with `{MENDS}`", stale.join("\n")))
}

/// Where two texts part: the first line that differs, in both.
fn difference(found: &str, expected: &str) -> Option<String> {
    if found == expected {
        return None;
    }
    let (mut left, mut right) = (found.split('\n'), expected.split('\n'));
    for number in 1.. {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => break,
            (a, b) => {
                let show = |line: Option<&str>| {
                    line.map_or("the end of the file".to_owned(), |line| format!("`{}`", line.trim()))
                };
                return Some(format!("line {number} is {} and should be {}", show(a), show(b)));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\n  c\n").unwrap(), "line 2 is `b` and should be `c`");
        assert_eq!(difference("a\n", "a\nb").unwrap(), "line 2 is `` and should be `b`");
        assert_eq!(difference("a", "a\nb").unwrap(), "line 2 is the end of the file and should be `b`");
    }

    #[test]
    fn what_was_written_passes_the_check_and_a_change_does_not() {
        let folder = std::env::temp_dir().join(format!("xtask-asyncapi-{}", std::process::id()));
        let documents = [Document { file: "asyncapi/a.json", text: "{\n  \"a\": 1\n}\n".to_owned() }];
        assert!(check(&folder, &documents).unwrap_err().contains("asyncapi/a.json cannot be read"));
        write(&folder, &documents).unwrap();
        assert_eq!(check(&folder, &documents), Ok(()));
        fs::write(folder.join("asyncapi/a.json"), "{\n  \"a\": 2\n}\n").unwrap();
        let stale = check(&folder, &documents).unwrap_err();
        assert!(
            stale.starts_with("asyncapi/a.json is stale: line 2 is `\"a\": 2` and should be `\"a\": 1`"),
            "{stale}"
        );
        assert!(stale.ends_with("write the documents with `cargo xtask asyncapi`"), "{stale}");
        fs::remove_dir_all(folder).unwrap();
    }
}
