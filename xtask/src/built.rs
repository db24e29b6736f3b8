//! Programs built from the workspace, and the folder they are built in.

use std::path::PathBuf;

use crate::Outcome;
use crate::tool::Tool;

/// The arguments of every build of the workspace. All builds name the same packages and features,
/// so that each reuses the results of earlier ones.
pub(crate) const WHOLE: [&str; 2] = ["--workspace", "--all-features"];

/// Builds a program of the workspace and returns its path.
pub(crate) fn program(name: &str) -> Outcome<PathBuf> {
    all()?;
    Ok(folder()?.join("debug").join(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// Builds an example of the workspace and returns its path.
pub(crate) fn example(name: &str) -> Outcome<PathBuf> {
    all()?;
    Ok(folder()?.join("debug/examples").join(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// Returns cargo's target directory, by the settings of this machine.
pub(crate) fn folder() -> Outcome<PathBuf> {
    let metadata = Tool::cargo(["metadata", "--no-deps", "--format-version", "1"]).read()?;
    string_member(&metadata, "target_directory")
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target_directory".to_owned())
}

/// Builds every program and example of the workspace.
pub(crate) fn all() -> Outcome {
    // Building everything unifies features as the tests' build does, so its results are reused;
    // for a single program cargo would build the dependencies again.
    Tool::cargo(["build"]).args(WHOLE).args(["--bins", "--examples"]).run()
}

/// Returns the string value of a key that occurs once in a JSON text.
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
