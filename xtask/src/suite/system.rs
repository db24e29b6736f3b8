//! What the suite needs beside cargo and Node, installed where this machine lets us.

use std::path::PathBuf;

use crate::Outcome;
use crate::tool::Tool;

/// Chromium: the one that `CHROMIUM` names, one of the `PATH`, or Debian's.
pub(super) fn chromium() -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        let named = PathBuf::from(named);
        return if named.is_file() {
            Ok(named)
        } else {
            Err(format!("CHROMIUM is {}, which is no file", named.display()))
        };
    }
    let find = || ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(in_path);
    if let Some(found) = find() {
        return Ok(found);
    }
    install("Chromium", &["chromium"])?;
    find().ok_or_else(|| "Chromium was installed and is not in PATH".to_owned())
}

/// A Python of at least 3.10 that can make virtual environments.
pub(super) fn python() -> Outcome<&'static str> {
    // Debian's own stands second, for one in PATH may come without what apt installs.
    let find = || {
        ["python3", "/usr/bin/python3"].into_iter().find(|python| {
            Tool::new(python).args(["-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))"]).works()
        })
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    install("Python 3.10 or later with venv", &["python3", "python3-venv"])?;
    find().ok_or_else(|| "python3 cannot make a virtual environment, or is older than 3.10".to_owned())
}

fn install(what: &str, packages: &[&str]) -> Outcome {
    let packages = packages.join(" ");
    if !Tool::new("apt-get").args(["--version"]).works() {
        return Err(format!("{what} is missing: install it (Debian's packages: {packages})"));
    }
    if Tool::new("id").args(["-u"]).read()?.trim() != "0" {
        return Err(format!(
            "{what} is missing: run `sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}`"
        ));
    }
    println!("{what} is missing: installing {packages}");
    let apt = || Tool::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt().args(["update"]).run()?;
    apt().args(["install", "-y", "--no-install-recommends"]).args(packages.split(' ')).run()
}

fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_path() {
        assert!(in_path("cargo").is_some());
        assert_eq!(in_path("no-such-program-anywhere"), None);
    }
}
