//! Runs what the macros accept, and compares what is said of what they refuse.
//!
//! - `pass/*.rs` build without a warning, with nothing but `topicast` (and `serde_json`, to
//!   look at results), and run.
//! - `fail/*.rs` fail with the macros' own messages, of which the `.stderr` files beside them hold
//!   every character.
//! - `fail/rustc/*.rs` fail in the compiler, whose words around our sentence differ between
//!   versions. They are compared for one version, and reported as not compared on others.
//!
//! `TRYBUILD=overwrite` rewrites the `.stderr` files. `tests/tests/ui.rs` has what needs another
//! manifest than this package's.

use std::{
    env,
    io::{self, Write as _},
    process::Command,
};

/// The compiler whose words stand in `fail/rustc/*.stderr`.
const COMPILER: &str = "rustc 1.95.0 ";

#[test]
fn what_the_macros_accept_and_refuse() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*.rs");
    let compiler = compiler();
    if compiler.starts_with(COMPILER) {
        cases.compile_fail("fail/rustc/*.rs");
    } else {
        // Not by `eprintln`, which is shown for failing tests only.
        let said = writeln!(
            io::stderr(),
            "not compared: fail/rustc/*.rs has the messages of {COMPILER}, and this is {compiler}"
        );
        said.expect("the standard error is open");
    }
}

fn compiler() -> String {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").output();
    String::from_utf8_lossy(&output.expect("the compiler that built this test can be started").stdout).into_owned()
}
