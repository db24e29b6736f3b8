//! Lists the files of the built page so that they are compiled into the program; an unbuilt page is an empty list.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of the built page, relative to this package.
const DIST: &str = "web/dist";

fn main() -> Result<(), Box<dyn Error>> {
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    if package.join(DIST).join("index.html").is_file() {
        println!("cargo::rerun-if-changed={DIST}");
        collect(&package, Path::new(DIST), &mut files)?;
        files.sort();
    } else {
        // A missing path would count as changed at every build; its parent changes when it appears.
        println!("cargo::rerun-if-changed=web");
    }
    let mut table = String::from("&[\n");
    for file in &files {
        let path = file.strip_prefix(DIST).ok_or("a file lies outside the page's folder")?;
        writeln!(
            table,
            "    File {{ path: {path:?}, bytes: include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})) }},",
            format!("/{file}")
        )?;
    }
    table.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("bundle.rs"), table)?;
    Ok(())
}

/// Collects every file in a folder and its subfolders, relative to the package and with slashes.
fn collect(package: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(package.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(package, &path, files)?;
        } else {
            files.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}
