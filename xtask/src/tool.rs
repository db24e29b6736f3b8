//! Runs external programs: prints the command, forwards the output, and counts tests.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use crate::Outcome;
use crate::project;
use crate::tally::{Format, Tally};

/// A program with its arguments, run at the project's root by default.
pub(crate) struct Tool {
    command: Command,
    shown: String,
}

impl Tool {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program.as_ref());
        command.current_dir(project::root()).stdin(Stdio::null());
        Self { shown: short(program.as_ref()), command }
    }

    pub(crate) fn cargo<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::new("cargo").args(arguments)
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        for argument in arguments {
            let argument = argument.as_ref();
            self.command.arg(argument);
            self.shown = format!("{} {}", self.shown, short(argument));
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value.as_ref());
        self.shown = format!("{name}={} {}", short(value.as_ref()), self.shown);
        self
    }

    pub(crate) fn dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs the program, and fails if it fails.
    pub(crate) fn run(self) -> Outcome {
        let shown = self.shown.clone();
        let (_, status) = self.count(Format::None)?;
        if status.success() { Ok(()) } else { Err(failed(&shown, status)) }
    }

    /// Runs a test runner and adds the counts of its closing lines to `total`, even if it fails. A
    /// runner fails if it ran no test, or if the number of skipped tests is not `left_out`, which
    /// the caller has reported.
    pub(crate) fn test(self, format: Format, left_out: u64, total: &mut Tally) -> Outcome {
        let shown = self.shown.clone();
        let (tally, status) = self.count(format)?;
        *total += tally;
        if !status.success() {
            return Err(failed(&shown, status));
        }
        if tally.failed > 0 {
            return Err(format!("`{shown}` ended well although {} of its tests failed", tally.failed));
        }
        if tally.passed == 0 {
            return Err(format!("`{shown}` ran no test"));
        }
        if tally.skipped != left_out {
            return Err(format!("`{shown}` skipped {} tests where {left_out} were to be left out", tally.skipped));
        }
        Ok(())
    }

    /// Runs the program and returns its standard output; forwards the rest.
    pub(crate) fn read(mut self) -> Outcome<String> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|error| cannot(&self.shown, &error))?;
        if !output.status.success() {
            return Err(failed(&self.shown, output.status));
        }
        String::from_utf8(output.stdout).map_err(|_| format!("`{}` printed something that is no UTF-8", self.shown))
    }

    /// Returns true if the program starts and succeeds; shows no output.
    pub(crate) fn works(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Starts the program in the background, until the guard is dropped.
    pub(crate) fn start(mut self) -> Outcome<Running> {
        println!("$ {} &", self.shown);
        let child = self.command.stdout(Stdio::piped()).spawn().map_err(|error| cannot(&self.shown, &error))?;
        Ok(Running { child })
    }

    /// Replaces this process with the program, as a shell's `exec` does.
    #[cfg(unix)]
    pub(crate) fn become_it(mut self) -> Outcome {
        use std::os::unix::process::CommandExt;
        Err(cannot(&self.shown, &self.command.stdin(Stdio::inherit()).exec()))
    }

    /// Runs the program and exits with its code, on platforms without `exec`.
    #[cfg(not(unix))]
    pub(crate) fn become_it(mut self) -> Outcome {
        let status = self.command.stdin(Stdio::inherit()).status().map_err(|error| cannot(&self.shown, &error))?;
        std::process::exit(status.code().unwrap_or(1))
    }

    fn count(mut self, format: Format) -> Outcome<(Tally, ExitStatus)> {
        println!("$ {}", self.shown);
        if std::io::stdout().is_terminal() {
            self.command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
        }
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| cannot(&self.shown, &error))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        // Both streams go to our standard output, where CI looks for counts.
        let tally = thread::scope(|scope| {
            let err = scope.spawn(|| err.map(|stream| pass_on(stream, format)).unwrap_or_default());
            let mut tally = out.map(|stream| pass_on(stream, format)).unwrap_or_default();
            tally += err.join().expect("passing lines on does not panic");
            tally
        });
        let status = child.wait().map_err(|error| cannot(&self.shown, &error))?;
        Ok((tally, status))
    }
}

/// A background program, which is killed on drop.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Returns the first line of its output.
    pub(crate) fn first_line(&mut self) -> Outcome<String> {
        let stream = self.child.stdout.as_mut().ok_or("its output is not read")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).map_err(|error| format!("cannot read its output: {error}"))?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that the program has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pass_on(stream: impl Read, format: Format) -> Tally {
    let mut stream = BufReader::new(stream);
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        tally += format.read(&String::from_utf8_lossy(&line));
        // A closed pipe, as with `| head`, must not stop the tests.
        let _ = std::io::stdout().lock().write_all(&line);
        line.clear();
    }
    tally
}

fn cannot(shown: &str, error: &std::io::Error) -> String {
    format!("cannot run `{shown}`: {error}")
}

fn failed(shown: &str, status: ExitStatus) -> String {
    format!("`{shown}` failed ({status})")
}

/// Formats an argument for a shell, with paths relative to the project's root.
fn short(argument: &OsStr) -> String {
    let root = project::root();
    let text = argument.to_string_lossy();
    let text = text.strip_prefix(&*root.to_string_lossy()).map_or(&*text, |rest| rest.trim_start_matches('/'));
    match text {
        "" => ".".to_owned(),
        _ if text.contains(|c: char| c.is_whitespace() || "'\"*()|".contains(c)) => format!("'{text}'"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_shown_as_one_would_type_it() {
        let tool = Tool::cargo(["doc", "-E", "not test(/x/)"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(tool.shown, "RUSTDOCFLAGS='-D warnings' cargo doc -E 'not test(/x/)'");
        assert_eq!(short(project::root().join("target/debug").as_os_str()), "target/debug");
    }

    #[test]
    fn a_runner_that_ran_nothing_has_failed() {
        let mut total = Tally::default();
        let refused = Tool::cargo(["--version"]).test(Format::Libtest, 0, &mut total).unwrap_err();
        assert_eq!(refused, "`cargo --version` ran no test");
    }

    #[test]
    fn a_failing_tool_is_named_with_its_status() {
        let refused = Tool::cargo(["no-such-subcommand"]).run().unwrap_err();
        assert!(refused.starts_with("`cargo no-such-subcommand` failed (exit status: "), "{refused}");
        assert!(!Tool::new("no-such-program-anywhere").works());
    }
}
