//! The page of the trading server: built from `app/web`, and rebuilt when that changes.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::npm;
use crate::project;
use crate::tool::Tool;

/// The sources of the page relative to its folder: everything in it, and the client.
const SOURCES: [&str; 2] = [".", "../../clients/typescript/src"];

/// The entries of the page's folder that are not sources.
const OTHERS: [&str; 3] = ["node_modules", "dist", "test"];

/// Builds the page, unless its `dist` was built from the current sources, and returns its folder.
/// Cargo compiles it into the server with its next build.
pub(crate) fn build() -> Outcome<PathBuf> {
    build_after(npm::prepare)
}

/// Builds the page if possible, within a time limit.
pub(crate) fn build_in_haste() -> Outcome<PathBuf> {
    build_after(npm::prepare_in_haste)
}

/// Returns true if there is a built page, from any sources.
pub(crate) fn is_built() -> bool {
    index(&folder()).is_file()
}

fn build_after(prepare: fn(&Path) -> Outcome) -> Outcome<PathBuf> {
    let folder = folder();
    prepare(&folder)?;
    let failed = |error: io::Error| format!("cannot read the page's sources in {}: {error}", folder.display());
    let sources = sources(&folder).map_err(failed)?;
    // Stored beside the packages, since everything in `dist` is served.
    let mark = folder.join("node_modules/.page-built");
    if fs::read_to_string(&mark).is_ok_and(|built| state(sources, &folder).is_ok_and(|state| state == built)) {
        return Ok(folder);
    }
    // Builds into a temporary folder, since a failed build may leave half a page.
    let fresh = "node_modules/.page";
    Tool::new("npx").args(["--no-install", "vite", "build", "--outDir", fresh, "--emptyOutDir"]).dir(&folder).run()?;
    let place = || {
        let dist = folder.join("dist");
        if dist.exists() {
            fs::remove_dir_all(&dist)?;
        }
        fs::rename(folder.join(fresh), &dist)?;
        fs::write(&mark, state(sources, &folder)?)
    };
    place().map_err(|error| format!("cannot put the page into {}: {error}", folder.join("dist").display()))?;
    Ok(folder)
}

fn folder() -> PathBuf {
    project::root().join("app/web")
}

fn index(folder: &Path) -> PathBuf {
    folder.join("dist/index.html")
}

/// Hashes the sources.
fn sources(folder: &Path) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        hash(&folder.join(source), &mut hasher)?;
    }
    Ok(hasher.finish())
}

/// Returns a text that identifies a page and its sources. The page names its other files by a
/// hash of their content, so it identifies them too.
fn state(sources: u64, folder: &Path) -> io::Result<String> {
    let mut hasher = DefaultHasher::new();
    fs::read(index(folder))?.hash(&mut hasher);
    Ok(format!("{sources:016x} {:016x}\n", hasher.finish()))
}

/// Hashes every file below a folder, by name and content, in the order of the names.
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
        let state = || state(sources(&folder)?, &folder);
        assert!(state().is_err(), "nothing is built yet");
        write("app/web/dist/index.html", "d");
        let mut before = state().unwrap();
        assert_eq!(state().unwrap(), before);
        for path in ["app/web/node_modules/a.js", "app/web/test/a.test.ts", "app/web/dist/assets/a.js"] {
            write(path, "else");
            assert_eq!(state().unwrap(), before, "{path}");
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
            let after = state().unwrap();
            assert_ne!(after, before, "{path}");
            before = after;
        }
        fs::remove_dir_all(root).unwrap();
    }
}
