//! Prints what the attributes generate for one declaration: `expand NAME FOLDER`.
//!
//! NAME is a channel's route or the name of an operation or push, and FOLDER holds the sources in
//! which it is declared. A macro crate exports only macros, so this program includes
//! its modules. `cargo xtask expand` runs it for the trading server.

#![expect(dead_code, reason = "lists have no name to ask for")]

#[path = "../src/entry.rs"]
mod entry;
#[path = "../src/fallback.rs"]
mod fallback;
#[path = "../src/expand/mod.rs"]
mod expand;
#[path = "../src/list.rs"]
mod list;
#[path = "../src/operation.rs"]
mod operation;
#[path = "../src/payload.rs"]
mod payload;
#[path = "../src/channel.rs"]
mod channel;
#[path = "../src/kind.rs"]
mod kind;
#[path = "../src/row.rs"]
mod row;
#[path = "../src/docs.rs"]
mod docs;
#[path = "../src/args.rs"]
mod args;
#[path = "../src/item.rs"]
mod item;
#[path = "../src/message_type.rs"]
mod message_type;
#[path = "../src/fields.rs"]
mod fields;
#[path = "../src/errors.rs"]
mod errors;
#[path = "../src/place.rs"]
mod place;
#[path = "../src/tokens.rs"]
mod tokens;
#[path = "../src/declarations.rs"]
mod declarations;
#[path = "../src/pretty.rs"]
mod pretty;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use declarations::Declarations;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = arguments.as_slice() else {
        eprintln!("usage: expand NAME FOLDER");
        return ExitCode::from(2);
    };
    match read(Path::new(folder)).and_then(|found| found.expansion(name)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the declarations in the sources of a folder.
fn read(folder: &Path) -> Result<Declarations, String> {
    let mut found = Declarations::default();
    for path in sources(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let in_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| in_file(&error))?;
        found.read(&text).map_err(|error| in_file(&error))?;
    }
    Ok(found)
}

fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}
