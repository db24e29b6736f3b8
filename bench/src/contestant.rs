//! The servers to compare, the workloads each takes part in, and how each is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child::{Program, URGENT};
use crate::workload::{Kind, Workload};

/// The folder with the sources of the peers in other languages.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    runs: Runs,
    /// The workloads it takes part in.
    takes: fn(&Workload) -> bool,
}

#[derive(Debug)]
enum Runs {
    /// This program, with these arguments.
    Own(&'static [&'static str]),
    Node,
    Bun,
    Python,
}

fn usual(workload: &Workload) -> bool {
    sending(workload) || matches!(workload.kind, Kind::Idle | Kind::Slow | Kind::Storm { .. })
}

/// What topicast does without a history too.
fn plain(workload: &Workload) -> bool {
    usual(workload) || workload.kind == Kind::Retain
}

/// What a history is measured by. No other server here has one.
fn history(workload: &Workload) -> bool {
    matches!(workload.kind, Kind::Steady | Kind::Retain | Kind::Return { .. })
}

fn latest(workload: &Workload) -> bool {
    matches!(workload.kind, Kind::Slow | Kind::Conflate)
}

/// The capabilities of a server that only sends, and reads nothing meanwhile.
fn sending(workload: &Workload) -> bool {
    matches!(workload.kind, Kind::Steady | Kind::Flood | Kind::Half)
}

fn burst(workload: &Workload) -> bool {
    workload.name == "burst"
}

fn slow(workload: &Workload) -> bool {
    workload.kind == Kind::Slow
}

fn shards(workload: &Workload) -> bool {
    workload.kind == Kind::Shards
}

pub(crate) const CONTESTANTS: &[Contestant] = &[
    Contestant { name: "topicast", says: "topicast, no flush window", runs: Runs::Own(&["topicast"]), takes: plain },
    Contestant {
        name: "topicast-5ms",
        says: "topicast, a flush window of 5 ms",
        runs: Runs::Own(&["topicast", "--window", "5"]),
        takes: burst,
    },
    Contestant {
        name: "topicast-10ms",
        says: "topicast, a flush window of 10 ms",
        runs: Runs::Own(&["topicast", "--window", "10"]),
        takes: burst,
    },
    Contestant {
        name: "topicast-drop",
        says: "topicast, dropping the oldest updates of a slow consumer",
        runs: Runs::Own(&["topicast", "--slow", "drop-oldest"]),
        takes: slow,
    },
    Contestant {
        name: "topicast-latest",
        says: "topicast, a `latest` channel: a slow consumer receives the newest value",
        runs: Runs::Own(&["topicast", "--kind", "latest"]),
        takes: latest,
    },
    Contestant {
        name: "topicast-history",
        says: "topicast, a channel with `history(count = 1000)`",
        runs: Runs::Own(&["topicast", "--kind", "history"]),
        takes: history,
    },
    Contestant {
        name: "topicast-1shard",
        says: "topicast, one shard",
        runs: Runs::Own(&["topicast", "--shards", "1"]),
        takes: shards,
    },
    Contestant {
        name: "topicast-2shards",
        says: "topicast, two shards",
        runs: Runs::Own(&["topicast", "--shards", "2"]),
        takes: shards,
    },
    Contestant { name: "bun", says: "Bun's `server.publish`, which is uWebSockets", runs: Runs::Bun, takes: usual },
    Contestant {
        name: "axum",
        says: "hand-written axum WebSocket, a tokio broadcast channel a topic",
        runs: Runs::Own(&["axum"]),
        takes: usual,
    },
    Contestant { name: "node", says: "node and the `ws` package", runs: Runs::Node, takes: usual },
    Contestant { name: "fastws", says: "FastWS on uvicorn", runs: Runs::Python, takes: usual },
    Contestant {
        name: "floor",
        says: "only the `send` calls, of prebuilt frames",
        runs: Runs::Own(&["floor"]),
        takes: sending,
    },
];

pub(crate) fn find(name: &str) -> Option<&'static Contestant> {
    CONTESTANTS.iter().find(|contestant| contestant.name == name)
}

impl Contestant {
    pub(crate) fn takes_part(&self, workload: &Workload) -> bool {
        (self.takes)(workload)
    }

    /// Returns the arguments that limit the unsent bytes for a client, if the server supports that.
    pub(crate) fn limit(&self, bytes: usize) -> Vec<String> {
        match self.runs {
            Runs::Own(["topicast", ..]) => vec!["--unsent-bytes".to_owned(), bytes.to_string()],
            Runs::Node | Runs::Bun => vec![bytes.to_string()],
            Runs::Own(_) | Runs::Python => Vec::new(),
        }
    }

    /// Returns true if its server is part of this program.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.runs, Runs::Own(_))
    }

    /// Installs its dependencies below a folder, and returns the program to start.
    pub(crate) fn prepare(&self, folder: &Path, cores: &[usize]) -> Result<Program, String> {
        let words = match self.runs {
            Runs::Own(words) => {
                let mut all = vec!["peer"];
                all.extend(words);
                return Program::own(self.name, &all, cores);
            }
            Runs::Node => vec!["node".into(), text(node_packages(folder)?.join("ws.mjs"))?],
            Runs::Bun => {
                let packages = node_packages(folder)?;
                vec![text(bun(&packages)?)?, text(packages.join("bun.mjs"))?]
            }
            Runs::Python => vec![text(venv(folder)?.join("bin/python"))?, format!("{SOURCES}/python/fastws_peer.py")],
        };
        Ok(Program { name: self.name.to_owned(), words, cores: cores.to_vec(), nice: URGENT })
    }

    /// Returns its version, once it is installed.
    pub(crate) fn versions(&self, folder: &Path) -> Vec<(String, String)> {
        let node = |package: &str| package_version(&folder.join("node/node_modules").join(package));
        match self.runs {
            Runs::Own(_) => Vec::new(),
            Runs::Node => vec![
                ("node".to_owned(), said(Command::new("node").arg("--version"))),
                ("ws (npm)".to_owned(), node("ws")),
            ],
            Runs::Bun => vec![("Bun (npm)".to_owned(), node("bun"))],
            Runs::Python => {
                let python = folder.join("venv/bin/python");
                let listed = said(Command::new(&python).args(["-m", "pip", "freeze"]));
                let wanted = ["fastws", "uvicorn", "uvloop", "websockets", "pydantic"];
                let found = listed.lines().filter_map(|line| line.split_once("=="));
                let found = found.filter(|(name, _)| wanted.contains(name));
                let found = found.map(|(name, version)| (format!("{name} (PyPI)"), version.to_owned()));
                std::iter::once(("Python".to_owned(), said(Command::new(&python).arg("--version"))))
                    .chain(found)
                    .collect()
            }
        }
    }
}

/// Installs the npm packages, in a folder with the peers that use them.
fn node_packages(folder: &Path) -> Result<PathBuf, String> {
    let folder = folder.join("node");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let lock = copy("node/package-lock.json", &folder)?;
    for file in ["package.json", "schedule.mjs", "ws.mjs", "bun.mjs"] {
        copy(&format!("node/{file}"), &folder)?;
    }
    once(&folder, &lock, || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        run(&mut npm, "npm ci")
    })?;
    Ok(folder)
}

/// Returns Bun's program. It is in the package for this platform, so the install script of the
/// package `bun` is not needed.
fn bun(packages: &Path) -> Result<PathBuf, String> {
    let packages = packages.join("node_modules/@oven");
    let found = fs::read_dir(&packages).map_err(|_| "npm has no bun for this machine".to_owned())?;
    let mut programs: Vec<PathBuf> = found.flatten().map(|package| package.path().join("bin/bun")).collect();
    programs.sort();
    programs
        .into_iter()
        .find(|program| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()))
        .ok_or_else(|| "no bun of npm runs on this machine".to_owned())
}

/// Creates a virtual environment with the packages of PyPI.
fn venv(folder: &Path) -> Result<PathBuf, String> {
    let venv = folder.join("venv");
    let requirements = format!("{SOURCES}/python/requirements.txt");
    let wanted = fs::read_to_string(&requirements).map_err(|error| format!("{requirements}: {error}"))?;
    fs::create_dir_all(&venv).map_err(|error| format!("{}: {error}", venv.display()))?;
    once(&venv, &wanted, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "python3 -m venv")?;
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &requirements]);
        run(&mut pip, "pip install")
    })?;
    Ok(venv)
}

/// Runs a step in a folder, unless it was done there for the same text.
fn once(folder: &Path, text: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let stamp = folder.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == text) {
        return Ok(());
    }
    work()?;
    fs::write(&stamp, text).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// Copies a source of a peer into a folder, and returns its text.
fn copy(source: &str, folder: &Path) -> Result<String, String> {
    let from = Path::new(SOURCES).join(source);
    let text = fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
    let to = folder.join(from.file_name().unwrap_or_default());
    fs::write(&to, &text).map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(text)
}

fn run(command: &mut Command, name: &str) -> Result<(), String> {
    eprintln!("installing: {name}");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name}: {}, {}", output.status, said.lines().last().unwrap_or("without a word")))
}

fn package_version(package: &Path) -> String {
    let manifest = fs::read_to_string(package.join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap_or_default();
    manifest["version"].as_str().unwrap_or("unknown").to_owned()
}

/// Returns the output of a program; `unknown` if it cannot be run.
fn said(command: &mut Command) -> String {
    match command.output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn text(path: PathBuf) -> Result<String, String> {
    path.into_os_string().into_string().map_err(|path| format!("{} is no text", path.display()))
}
