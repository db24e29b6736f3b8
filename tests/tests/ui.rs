//! Builds the programs of `ui/` that need a separate manifest; `ui/ui.rs` builds all others.
//!
//! - the programs of `ui/pass/renamed/` depend on topicast as `framework`, and run;
//! - the programs of `ui/declarations/` build without the `server` feature, also for wasm32.
//!
//! All of them deny warnings.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn what_is_right_needs_no_crate_called_topicast() {
    let sources = sources("ui/pass/renamed");
    let project = project("renamed", &sources, "framework", "");
    for (name, _) in &sources {
        cargo(&project, &["run", "--bin", name]);
    }
}

#[test]
fn declarations_build_without_the_server() {
    let project = project("declarations", &sources("ui/declarations"), "topicast", ", default-features = false");
    cargo(&project, &["build"]);
    let wasm = "wasm32-unknown-unknown";
    if has_target(wasm) {
        cargo(&project, &["check", "--target", wasm]);
    } else {
        // Not with `eprintln`, whose output is shown for failing tests only.
        let said = writeln!(io::stderr(), "not checked for {wasm}, which is not installed: rustup target add {wasm}");
        said.expect("the standard error is open");
    }
}

/// Returns the programs of a folder, by name.
fn sources(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).expect("the folder of programs is there");
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("a folder that opened can be read").path()) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("a source can be read");
            assert!(text.contains("#![deny(warnings)]"), "{} does not deny warnings", path.display());
            found.push((name, path));
        }
    }
    assert!(!found.is_empty(), "no programs in {}", folder.display());
    found
}

/// Writes a cargo project with the programs `sources`, which depend on topicast under the given name.
fn project(name: &str, sources: &[(String, PathBuf)], topicast: &str, more: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a workspace");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui").join(name);
    fs::create_dir_all(&folder).expect("the target directory can be written");
    let mut manifest = format!(
        "[package]\nname = \"ui-{name}\"\nedition = \"2024\"\nautobins = false\n\n[workspace]\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n[dependencies]\n\
         {topicast} = {{ package = \"topicast\", path = {:?}{more} }}\n",
        root.join("runtime")
    );
    for (program, path) in sources {
        manifest += &format!("\n[[bin]]\nname = {program:?}\npath = {path:?}\n");
    }
    let write = |file: &str, text: &[u8]| {
        let path = folder.join(file);
        // An unchanged manifest keeps cargo from building everything again.
        if fs::read(&path).ok().as_deref() != Some(text) {
            fs::write(path, text).expect("the target directory can be written");
        }
    };
    write("Cargo.toml", manifest.as_bytes());
    // The workspace's versions; cargo removes the packages that are not needed here.
    write("Cargo.lock", &fs::read(root.join("Cargo.lock")).expect("the workspace has a lock file"));
    folder
}

/// Runs cargo in a project.
fn cargo(project: &Path, arguments: &[&str]) {
    // The workspace's target folder, which already contains the dependencies.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target directory");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).arg("--offline").current_dir(project).env("CARGO_TARGET_DIR", target);
    let output = command.output().expect("cargo, which started this test, can be started");
    assert!(output.status.success(), "cargo {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn has_target(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).exists())
}
