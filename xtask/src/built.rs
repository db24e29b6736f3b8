//! Programs built from the workspace, and the folder they are built in.

use std::path::PathBuf;

use crate::Outcome;
use crate::tool::Tool;

/// What every build of the workspace is given. All name the same packages and features, so
/// that each finds what the ones before it built.
pub(crate) const WHOLE: [&str; 2] = ["--workspace", "--all-features"];

/// Builds a program of the workspace and tells where it is.
pub(crate) fn program(name: &str) -> Outcome<PathBuf> {
    all()?;
    Ok(folder()?.join("debug").join(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// Builds an example of the workspace and tells where it is.
pub(crate) fn example(name: &str) -> Outcome<PathBuf> {
    all()?;
    Ok(folder()?.join("debug/examples").join(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// Cargo's target directory, wherever the settings of this machine put it.
pub(crate) fn folder() -> Outcome<PathBuf> {
    let metadata = Tool::cargo(["metadata", "--no-deps", "--format-version", "1"]).read()?;
    string_member(&metadata, "target_directory")
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target_directory".to_owned())
}

/// Builds every program and example of the workspace.
pub(crate) fn all() -> Outcome {
    // Everything at once unifies features as the tests' build does, whose result is then used;
    // for one program alone cargo would build its dependencies again.
    Tool::cargo(["build"]).args(WHOLE).args(["--bins", "--examples"]).run()
}

/// The string that stands under a key in a text of JSON which has that key once.
fn string_member(json: &str, key: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{key}\":\""))?;
    let mut value = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_with_its_escapes() {
        let json = r#"{"a":"x","target_directory":"C:\\build \"here\"","z":1}"#;
        assert_eq!(string_member(json, "target_directory").unwrap(), r#"C:\build "here""#);
        assert_eq!(string_member(json, "absent"), None);
    }
}
