//! What the kernel knows of a process: time on a processor, memory, and calls it made.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::child;

/// Hundredths of a second, in which /proc/PID/stat counts.
const TICK_US: f64 = 10_000.0;

/// Time that a process has spent on a processor, all threads together.
#[derive(Debug, Clone)]
pub(crate) struct Cpu {
    /// User and system time, in hundredths of a second but with threads that have ended.
    coarse_us: f64,
    /// To the nanosecond, of the threads that there are, by their identifiers.
    threads: Vec<(u32, f64)>,
}

impl Cpu {
    pub(crate) fn of(process: u32) -> Result<Self, String> {
        let path = format!("/proc/{process}/stat");
        let stat = read(&path)?;
        // The second field is a name in parentheses that may itself hold spaces.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let (Some(user), Some(system)) = (ticks(11), ticks(12)) else { return Err(format!("{path} has another form")) };
        let mut threads = Vec::new();
        let tasks = fs::read_dir(format!("/proc/{process}/task")).map_err(|error| format!("{path}: {error}"))?;
        for task in tasks.flatten() {
            let spent = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let id = task.file_name().to_string_lossy().parse();
            if let (Ok(id), Some(Ok(nanos))) = (id, spent.split_whitespace().next().map(str::parse::<f64>)) {
                threads.push((id, nanos / 1000.0));
            }
        }
        Ok(Self { coarse_us: (user + system) * TICK_US, threads })
    }

    /// Microseconds spent since an earlier reading.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        let fine: f64 = self.by_thread(earlier).iter().sum();
        let coarse = self.coarse_us - earlier.coarse_us;
        // Threads that ended meanwhile are only in the coarse sum, which may be a tick off at both ends.
        if coarse > fine + 2.0 * TICK_US { coarse } else { fine }
    }

    /// The same for each thread, the busiest first.
    pub(crate) fn by_thread(&self, earlier: &Self) -> Vec<f64> {
        let before = |id| earlier.threads.iter().find(|(other, _)| *other == id).map_or(0.0, |(_, spent)| *spent);
        let mut spent: Vec<f64> = self.threads.iter().map(|&(id, spent)| spent - before(id)).collect();
        spent.sort_by(|a, b| b.total_cmp(a));
        spent
    }
}

/// Time that a core was not idle, in microseconds: what no process is charged for is in it too.
pub(crate) fn core_busy_us(core: usize) -> Result<f64, String> {
    let stat = read("/proc/stat")?;
    let name = format!("cpu{core} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name));
    let fields: Vec<f64> = line.unwrap_or_default().split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq; the rest is other machines' time.
    match fields[..] {
        [user, nice, system, _, _, irq, softirq, ..] => Ok((user + nice + system + irq + softirq) * TICK_US),
        _ => Err(format!("/proc/stat has no core {core}")),
    }
}

/// Resident bytes of a process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// All its pages.
    pub(crate) rss: f64,
    /// Pages that it shares are counted in parts.
    pub(crate) pss: f64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Result<Self, String> {
        let path = format!("/proc/{process}/smaps_rollup");
        let text = read(&path)?;
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
        };
        match (bytes("Rss:"), bytes("Pss:")) {
            (Some(rss), Some(pss)) => Ok(Self { rss, pss }),
            _ => Err(format!("{path} has another form")),
        }
    }
}

/// The calls that send, however a library makes them.
const SENDING: [&str; 5] = ["sendto", "sendmsg", "sendmmsg", "write", "writev"];

/// Counts the sending calls of a process for a while, with `perf`.
pub(crate) struct SendCalls(Child);

impl SendCalls {
    /// Counts for so many seconds.
    pub(crate) fn count(process: u32, seconds: f64, core: usize) -> Option<Self> {
        let events: Vec<String> = SENDING.iter().map(|call| format!("syscalls:sys_enter_{call}")).collect();
        let mut command = child::pinned(&[core], child::PATIENT).ok()?;
        command.args(["perf", "stat", "-x", ",", "-e", &events.join(","), "-p", &process.to_string()]);
        command.args(["--", "sleep", &seconds.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().ok().map(Self)
    }

    /// How many there were; nothing where this machine or this user cannot count them.
    pub(crate) fn finish(self) -> Option<f64> {
        let output = self.0.wait_with_output().ok().filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let counts = text.lines().filter(|line| line.contains("sys_enter_"));
        counts.map(|line| line.split(',').next().and_then(|count| count.parse::<f64>().ok())).sum()
    }
}

/// Whether sending calls can be counted here.
pub(crate) fn counts_calls() -> bool {
    let mut command = Command::new("perf");
    command.args(["stat", "-x", ",", "-e", "syscalls:sys_enter_sendto", "--", "true"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let counts = |text: &[u8]| String::from_utf8_lossy(text).lines().any(|line| line.starts_with(char::is_numeric));
    command.output().is_ok_and(|output| output.status.success() && counts(&output.stderr))
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_as_time_and_held_bytes_as_memory() {
        let process = std::process::id();
        let (cpu, memory) = (Cpu::of(process).unwrap(), Memory::of(process).unwrap());
        let held = vec![1_u8; 32 << 20];
        while Cpu::of(process).unwrap().since(&cpu) < 1000.0 {
            std::hint::black_box(held.iter().map(|&byte| u64::from(byte)).sum::<u64>());
        }
        let grown = Memory::of(process).unwrap().rss - memory.rss;
        assert!(grown > f64::from(30 << 20), "{grown}");
    }

    #[test]
    fn every_process_has_a_core_that_is_sometimes_busy() {
        assert!(core_busy_us(0).unwrap() > 0.0);
        assert!(core_busy_us(100_000).unwrap_err().contains("100000"));
    }
}
