//! Holds what the macros accept and refuse: every file of `ui/` is a program of its own.
//!
//! - `ui/pass/*.rs` build without a warning, with nothing but `topicast` (and `serde_json`, to
//!   look at results), and run; those of `ui/pass/renamed/` know topicast as `framework`.
//! - `ui/fail/*.rs` fail with exactly the errors of the `.stderr` file beside them.
//! - `ui/fail/rustc/*.rs` fail in the compiler, whose words differ between versions: the
//!   `.stderr` file has our sentence and its line and column, and other errors may be there.
//! - `ui/declarations/*.rs` build without the `server` feature, for wasm32 too.
//!
//! Not trybuild, which compares all that the compiler prints. One cargo project for each
//! kind is enough for all of its files. `UI_BLESS=1` rewrites the files of `ui/fail/*.rs`.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

#[test]
fn what_is_right_builds_without_a_warning_and_runs() {
    let dependencies = format!("{}serde_json = \"1\"\n", topicast("topicast", ""));
    run("pass", &sources("ui/pass"), &dependencies);
}

#[test]
fn what_is_right_needs_no_crate_called_topicast() {
    run("renamed", &sources("ui/pass/renamed"), &topicast("framework", ""));
}

fn run(project_name: &str, sources: &BTreeMap<String, PathBuf>, dependencies: &str) {
    let built = cargo(&project(project_name, sources, dependencies), &["build"]);
    let mut wrong = String::new();
    for (name, path) in sources {
        let said = built.said(name);
        let outcome = match built.programs.get(name) {
            Some(program) if said.is_empty() => {
                let ran = Command::new(program).output().expect("a program that was just built starts");
                if ran.status.success() { continue } else { String::from_utf8_lossy(&ran.stderr).into_owned() }
            }
            _ => render(&said),
        };
        wrong += &format!("{}\n{outcome}\n", path.display());
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn mistakes_have_exactly_our_messages() {
    let sources = sources("ui/fail");
    let built = cargo(&project("fail", &sources, &topicast("topicast", "")), &["build"]);
    let bless = env::var_os("UI_BLESS").is_some();
    let mut wrong = String::new();
    for (name, path) in &sources {
        let actual = render(&built.errors(name));
        let expected_path = path.with_extension("stderr");
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if bless {
            fs::write(&expected_path, &actual).expect("the expectation can be written");
        } else if actual.is_empty() || actual != expected {
            wrong += &format!("{}\n--- expected\n{expected}--- actual\n{actual}\n", path.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn mistakes_that_the_compiler_finds_have_our_sentence_and_place() {
    let sources = sources("ui/fail/rustc");
    let built = cargo(&project("rustc", &sources, &topicast("topicast", "")), &["build"]);
    let mut wrong = String::new();
    for (name, path) in &sources {
        let said = built.errors(name);
        let expected = fs::read_to_string(path.with_extension("stderr")).unwrap_or_default();
        let missing: Vec<_> =
            expected.lines().filter(|line| !said.iter().any(|complaint| complaint.is(line))).collect();
        if expected.trim().is_empty() || !missing.is_empty() {
            wrong +=
                &format!("{}\n--- missing\n{}\n--- actual\n{}\n", path.display(), missing.join("\n"), render(&said));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn declarations_build_without_the_server() {
    let sources = sources("ui/declarations");
    let project = project("declarations", &sources, &topicast("topicast", ", default-features = false"));
    check_declarations(&sources, &cargo(&project, &["build"]));

    let wasm = "wasm32-unknown-unknown";
    if has_target(wasm) {
        check_declarations(&sources, &cargo(&project, &["check", "--target", wasm]));
    } else {
        // Not by `eprintln`, which is shown for failing tests only.
        let said = writeln!(io::stderr(), "not checked for {wasm}, which is not installed: rustup target add {wasm}");
        said.expect("the standard error is open");
    }
}

fn check_declarations(sources: &BTreeMap<String, PathBuf>, built: &Built) {
    for (name, path) in sources {
        let said = built.said(name);
        assert!(said.is_empty(), "{} has complaints:\n{}", path.display(), render(&said));
    }
}

/// The programs of a folder, by name.
fn sources(folder: &str) -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).expect("the folder of programs is there");
    let paths = entries.map(|entry| entry.expect("a folder that opened can be read").path());
    let programs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let named =
        programs.map(|path| (path.file_stem().expect("a file has a name").to_string_lossy().into_owned(), path));
    let found: BTreeMap<_, _> = named.collect();
    assert!(!found.is_empty(), "no programs in {}", folder.display());
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a workspace")
}

/// A line of dependencies: topicast under a name of one's choice.
fn topicast(name: &str, more: &str) -> String {
    format!("{name} = {{ package = \"topicast\", path = {:?}{more} }}\n", root().join("runtime"))
}

/// Writes a cargo project whose programs are `sources`.
fn project(name: &str, sources: &BTreeMap<String, PathBuf>, dependencies: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui").join(name);
    fs::create_dir_all(&folder).expect("the target directory can be written");
    let mut manifest = format!(
        "[package]\nname = \"ui-{name}\"\nedition = \"2024\"\nautobins = false\n\n[workspace]\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n[dependencies]\n{dependencies}"
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
    // The workspace's versions; cargo takes away what is not needed here.
    write("Cargo.lock", &fs::read(root().join("Cargo.lock")).expect("the workspace has a lock file"));
    folder
}

/// What a build printed and made.
struct Built {
    complaints: Vec<Complaint>,
    programs: BTreeMap<String, PathBuf>,
}

impl Built {
    /// The errors in one program, in the order of its lines.
    fn errors(&self, program: &str) -> Vec<&Complaint> {
        self.said(program).into_iter().filter(|complaint| complaint.level == "error").collect()
    }

    /// The errors and warnings about one program, in the order of its lines.
    fn said(&self, program: &str) -> Vec<&Complaint> {
        let mut said: Vec<_> = self.complaints.iter().filter(|complaint| complaint.program == program).collect();
        said.sort_by_key(|complaint| (complaint.line, complaint.column));
        said
    }
}

/// An error or a warning of the compiler.
struct Complaint {
    program: String,
    level: String,
    /// The message and, for the search of a sentence, all labels and notes.
    message: String,
    rest: Vec<String>,
    line: u64,
    column: u64,
    /// The code that is pointed at.
    code: String,
}

impl Complaint {
    fn read(program: &str, message: &Value) -> Option<Self> {
        let spans = message["spans"].as_array()?;
        let primary = spans.iter().find(|span| span["is_primary"] == true)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let labels = spans.iter().map(|span| text(&span["label"]));
        let notes = message["children"].as_array().into_iter().flatten().map(|note| text(&note["message"]));
        Some(Self {
            program: program.to_owned(),
            level: text(&message["level"]),
            message: text(&message["message"]),
            rest: labels.chain(notes).collect(),
            line: primary["line_start"].as_u64()?,
            column: primary["column_start"].as_u64()?,
            code: primary["text"].as_array().into_iter().flatten().map(highlighted).collect::<Vec<_>>().join(" "),
        })
    }

    /// Whether this is what a line `line:column sentence` expects.
    fn is(&self, expected: &str) -> bool {
        let (place, sentence) = expected.split_once(' ').unwrap_or((expected, ""));
        let texts = || [&self.message].into_iter().chain(&self.rest);
        place == format!("{}:{}", self.line, self.column) && texts().any(|text| text.contains(sentence))
    }
}

fn highlighted(line: &Value) -> String {
    let at = |key: &str| usize::try_from(line[key].as_u64().unwrap_or(1)).unwrap_or(1) - 1;
    let text = line["text"].as_str().unwrap_or_default().chars();
    text.take(at("highlight_end")).skip(at("highlight_start")).collect::<String>().trim().to_owned()
}

fn render(said: &[&Complaint]) -> String {
    said.iter()
        .map(|one| format!("{}: {}\n --> {}:{} `{}`\n", one.level, one.message, one.line, one.column, one.code))
        .collect()
}

/// Runs cargo in a project; what it says of other packages is passed on.
fn cargo(project: &Path, arguments: &[&str]) -> Built {
    // The workspace's own, for what is built there already.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target directory");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).args(["--keep-going", "--offline", "--message-format=json"]);
    command.current_dir(project).env("CARGO_TARGET_DIR", target).stderr(Stdio::piped());
    let output = command.output().expect("cargo, which started this test, can be started");
    let mut built = Built { complaints: Vec::new(), programs: BTreeMap::new() };
    let stdout = String::from_utf8_lossy(&output.stdout);
    for line in stdout.lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let Some(program) = message["target"]["name"].as_str() else { continue };
        let is_program = message["target"]["kind"][0] == "bin";
        if message["reason"] == "compiler-message" {
            let text = message["message"]["rendered"].as_str().unwrap_or(line);
            let broken = !is_program && message["message"]["level"] == "error";
            assert!(!broken, "a dependency does not build:\n{text}");
            built.complaints.extend(Complaint::read(program, &message["message"]));
        } else if let Some(path) = message["executable"].as_str() {
            built.programs.insert(program.to_owned(), path.into());
        }
    }
    let finished = stdout.contains("\"reason\":\"build-finished\"");
    assert!(finished, "cargo did not get to the programs:\n{}", String::from_utf8_lossy(&output.stderr));
    built
}

fn has_target(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).exists())
}
