//! Tests that need recordings: whether they run on this machine.

use std::path::Path;

use crate::Outcome;

/// Whether the tests of these names are to run; otherwise says that they are skipped.
pub(super) fn run(tests: &[String]) -> Outcome<bool> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let run = decide(set("MARKET_DATA_DIR").as_deref(), set("TOPICAST_DENY_SKIPS").is_some(), tests.len())?;
    if !run {
        for name in tests {
            println!("skipped, since MARKET_DATA_DIR is not set: {name}");
        }
    }
    Ok(run)
}

fn decide(folder: Option<&str>, deny_skips: bool, tests: usize) -> Outcome<bool> {
    match folder {
        None if deny_skips => {
            Err("MARKET_DATA_DIR is not set, and TOPICAST_DENY_SKIPS allows no skipped test".to_owned())
        }
        None => Ok(false),
        Some(folder) if !Path::new(folder).is_dir() => Err(format!("MARKET_DATA_DIR is {folder}, which is no folder")),
        Some(_) if tests == 0 => Err("MARKET_DATA_DIR is set, and no test is named `recordings`".to_owned()),
        Some(_) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_recordings_run_where_they_can_and_their_absence_is_no_success() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(decide(None, false, 3), Ok(false));
        assert_eq!(decide(Some(here), true, 3), Ok(true));
        assert!(decide(None, true, 3).is_err());
        assert!(decide(Some(here), false, 0).is_err());
        assert!(decide(Some("no/such/folder"), false, 3).is_err());
    }
}
