//! Runs programs that the macros accept, and compares the errors of programs that they refuse.
//!
//! - `pass/*.rs` build without a warning and run. They depend only on `topicast`, and on
//!   `serde_json` to check results.
//! - `fail/*.rs` fail with the macros' messages. The `.stderr` files beside them contain the exact
//!   output.
//! - `fail/rustc/*.rs` fail in the compiler, whose output around the macros' messages differs
//!   between versions. They are compared for one version, and reported as not compared on others.
//!
//! `TRYBUILD=overwrite` rewrites the `.stderr` files. `tests/tests/ui.rs` builds the programs that
//! need another manifest.

use std::{
    env,
    io::{self, Write as _},
    process::Command,
};

/// The compiler whose output is in `fail/rustc/*.stderr`.
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
        // Not with `eprintln`, whose output is shown for failing tests only.
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
