//! A child process that ends with the benchmark in every case.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Signal, getppid, set_parent_process_death_signal, setpriority_process};
use rustix::thread::{CpuSet, sched_setaffinity};

/// The limit of unread lines of a process.
const LINES: usize = 64;

/// The priority of servers and clients, to reduce disturbance by other processes. It requires root.
pub(crate) const URGENT: i32 = -20;

/// The priority of processes that must not disturb them.
pub(crate) const PATIENT: i32 = 0;

/// A running process. It is killed when this is dropped or, by the kernel, when this program is
/// killed. The end of its standard input asks it to stop.
pub(crate) struct Process {
    name: String,
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

/// A program, its arguments and the cores it may run on.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) words: Vec<String>,
    pub(crate) cores: Vec<usize>,
    pub(crate) nice: i32,
}

impl Program {
    /// Returns another copy of this program.
    pub(crate) fn own(name: &str, words: &[&str], cores: &[usize]) -> Result<Self, String> {
        let mut all = vec![own_path()?];
        all.extend(words.iter().map(|&word| word.to_owned()));
        Ok(Self { name: name.to_owned(), words: all, cores: cores.to_vec(), nice: URGENT })
    }

    /// Starts the program in a folder, with pipes for its input and output.
    pub(crate) fn start(&self, folder: &Path) -> Result<Process, String> {
        let mut command = pinned(&self.cores, self.nice)?;
        command.args(&self.words);
        command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{} cannot be started: {error}", self.name))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{} has no pipes", self.name));
        };
        let (sender, lines) = sync_channel(LINES);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Process { name: self.name.clone(), child, input, lines })
    }
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its standard input.
    pub(crate) fn send(&mut self, line: &str) -> Result<(), String> {
        // A single write, so that the process never reads half a line.
        let line = format!("{line}\n");
        let sent = self.input.write_all(line.as_bytes()).and_then(|()| self.input.flush());
        sent.map_err(|error| format!("{} does not read its input: {error}", self.name))
    }

    /// Returns the next line of its standard output.
    pub(crate) fn line(&mut self, patience: Duration) -> Result<String, String> {
        self.lines.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("{} said nothing for {} s", self.name, patience.as_secs()),
            RecvTimeoutError::Disconnected => match self.child.try_wait() {
                Ok(Some(status)) => format!("{} ended: {status}", self.name),
                _ => format!("{} closed its output", self.name),
            },
        })
    }

    /// Returns the rest of the next line that starts with this word, and skips others.
    pub(crate) fn line_of(&mut self, word: &str, patience: Duration) -> Result<String, String> {
        let end = Instant::now() + patience;
        loop {
            let line = self.line(end.saturating_duration_since(Instant::now()))?;
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a command that runs a program pinned to these cores and ends it with this process: a
/// copy of this program that prepares itself and then executes the program.
pub(crate) fn pinned(cores: &[usize], nice: i32) -> Result<Command, String> {
    let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
    let mut command = Command::new(own_path()?);
    command.args(["pinned", &std::process::id().to_string(), &cores.join(","), &nice.to_string(), "--"]);
    Ok(command)
}

/// Pins this process to its cores, ties its lifetime to its parent's, and executes a program.
pub(crate) fn become_pinned(parent: u32, cores: &str, nice: i32, words: &[String]) -> Result<(), String> {
    let mut set = CpuSet::new();
    for core in cores.split(',') {
        set.set(core.parse().map_err(|_| format!("`{core}` is no core: allowed are numbers from 0"))?);
    }
    sched_setaffinity(None, &set).map_err(|error| format!("cores {cores} cannot be used: {error}"))?;
    // Without the permission for the priority, all peers are measured without it alike.
    let _ = setpriority_process(None, nice);
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| format!("no guard: {error}"))?;
    // If the parent ended before the guard was set, the guard has no effect.
    if getppid().is_none_or(|found| found.as_raw_nonzero().get().cast_unsigned() != parent) {
        return Err("the benchmark has ended".to_owned());
    }
    let (program, arguments) = words.split_first().ok_or("no program is named")?;
    let error = Command::new(OsStr::new(program)).args(arguments).exec();
    Err(format!("{program} cannot be run: {error}"))
}

fn own_path() -> Result<String, String> {
    let path = std::env::current_exe().map_err(|error| format!("this program does not find itself: {error}"))?;
    path.into_os_string().into_string().map_err(|path| format!("{} is no text", path.display()))
}
