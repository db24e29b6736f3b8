//! The page of the trading server: built from `app/web`, and built anew where that changed.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::npm;
use crate::project;
use crate::tool::Tool;

/// What the page is made of, counted from its folder: all that lies there, and the client.
const SOURCES: [&str; 2] = [".", "../../clients/typescript/src"];

/// What lies in the page's folder and is no part of the page.
const OTHERS: [&str; 3] = ["node_modules", "dist", "test"];

/// Builds the page, unless what lies in its `dist` was built of the present sources, and tells
/// its folder. Cargo compiles it into the server with its next build.
pub(crate) fn build() -> Outcome<PathBuf> {
    build_after(npm::prepare)
}

/// The same for who can do without, and waits for it.
pub(crate) fn build_in_haste() -> Outcome<PathBuf> {
    build_after(npm::prepare_in_haste)
}

/// Whether there is a page, of whatever sources, for the server to be built with.
pub(crate) fn is_built() -> bool {
    index(&folder()).is_file()
}

fn build_after(prepare: fn(&Path) -> Outcome) -> Outcome<PathBuf> {
    let folder = folder();
    prepare(&folder)?;
    // Beside the packages, since vite empties `dist`, and everything there is served.
    let mark = folder.join("node_modules/.page-built");
    let failed = |error: io::Error| format!("cannot tell whether the page is built: {error}");
    if fs::read_to_string(&mark).is_ok_and(|built| state(&folder).is_ok_and(|state| state == built)) {
        return Ok(folder);
    }
    Tool::new("npx").args(["--no-install", "vite", "build"]).dir(&folder).run()?;
    fs::write(&mark, state(&folder).map_err(failed)?).map_err(failed)?;
    Ok(folder)
}

fn folder() -> PathBuf {
    project::root().join("app/web")
}

fn index(folder: &Path) -> PathBuf {
    folder.join("dist/index.html")
}

/// A text that changes when a source or the built page does. The page names its other files
/// by their content, so it stands for all of them.
fn state(folder: &Path) -> io::Result<String> {
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        hash(&folder.join(source), &mut hasher)?;
    }
    fs::read(index(folder))?.hash(&mut hasher);
    Ok(format!("{:016x}\n", hasher.finish()))
}

/// Every file below a folder, by name and content, in the order of the names.
fn hash(folder: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries.iter().filter(|entry| OTHERS.iter().all(|other| entry.file_name() != *other)) {
        entry.file_name().hash(hasher);
        if entry.file_type()?.is_dir() {
            hash(&entry.path(), hasher)?;
        } else {
            fs::read(entry.path())?.hash(hasher);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_source_or_of_the_page_is_seen_and_no_other() {
        let root = std::env::temp_dir().join(format!("xtask-page-{}", std::process::id()));
        let folder = root.join("app/web");
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("app/web/src/main.ts", "a");
        write("app/web/src/parts/x.ts", "b");
        write("clients/typescript/src/index.ts", "c");
        assert!(state(&folder).is_err(), "nothing is built yet");
        write("app/web/dist/index.html", "d");
        let mut before = state(&folder).unwrap();
        assert_eq!(state(&folder).unwrap(), before);
        for path in ["app/web/node_modules/a.js", "app/web/test/a.test.ts", "app/web/dist/assets/a.js"] {
            write(path, "else");
            assert_eq!(state(&folder).unwrap(), before, "{path}");
        }
        for path in [
            "app/web/src/main.ts",
            "app/web/src/parts/x.ts",
            "app/web/src/new.ts",
            "app/web/vite.config.ts",
            "clients/typescript/src/index.ts",
            "app/web/dist/index.html",
        ] {
            write(path, "changed");
            let after = state(&folder).unwrap();
            assert_ne!(after, before, "{path}");
            before = after;
        }
        fs::remove_dir_all(root).unwrap();
    }
}
