//! The project's files as git knows them, read once for all rules.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::tool::Tool;

pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

pub(super) struct File {
    /// Counted from the project's root, with slashes.
    pub(super) path: String,
    /// Empty where the file is no text.
    pub(super) text: String,
    pub(super) bytes: usize,
}

impl Tree {
    /// What is tracked, and what would be if everything were added.
    pub(super) fn of(root: &Path) -> Outcome<Self> {
        let list = Tool::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).read()?;
        let mut files = Vec::new();
        for path in list.split('\0').filter(|path| !path.is_empty()) {
            // A file that was removed and is still in the index is no concern of the rules.
            let Ok(bytes) = fs::read(root.join(path)) else { continue };
            let size = bytes.len();
            files.push(File { path: path.to_owned(), bytes: size, text: String::from_utf8(bytes).unwrap_or_default() });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(super) fn of_texts<'a>(texts: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let file =
            |(path, text): (&str, &str)| File { path: path.to_owned(), text: text.to_owned(), bytes: text.len() };
        Self { files: texts.map(file).collect() }
    }

    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust sources under a folder, without the cases of the compile tests.
    pub(super) fn rust<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.starts_with(folder) && file.is("rs") && !file.is_case())
    }
}

impl File {
    pub(super) fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    pub(super) fn is_script(&self) -> bool {
        ["ts", "tsx", "js", "mjs", "cjs"].iter().any(|extension| self.is(extension))
    }

    /// Whether it is compiled by trybuild, or recorded: such files are about what they hold.
    pub(super) fn is_case(&self) -> bool {
        self.within("ui") && !self.path.ends_with("ui/ui.rs")
            || self.within("snapshots")
            || self.is("snap")
            || self.is("stderr")
    }

    pub(super) fn is_lock(&self) -> bool {
        self.path.ends_with("Cargo.lock") || self.path.ends_with("package-lock.json")
    }

    /// Whether a folder of this name is on its path.
    pub(super) fn within(&self, folder: &str) -> bool {
        self.path.rsplit_once('/').is_some_and(|(folders, _)| folders.split('/').any(|name| name == folder))
    }

    /// What a path that stands in it leads to, counted from the project's root.
    pub(super) fn beside(&self, path: &str) -> String {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            if part == ".." {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        parts.join("/")
    }

    /// Its lines with their numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    /// Lines that are no tests and no comments.
    pub(super) fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.tests_begin();
        self.lines()
            .take_while(move |(number, _)| *number < end)
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Lines of tests.
    pub(super) fn tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let begin = self.tests_begin();
        self.lines().filter(move |(number, _)| *number >= begin)
    }

    /// The number of the first line of its tests, one past its end where it has none.
    pub(super) fn tests_begin(&self) -> usize {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        if self.within("tests") || name == "tests.rs" || name.contains(".test.") || name.contains(".spec.") {
            return 1;
        }
        let mut lines = self.lines().peekable();
        while let Some((number, line)) = lines.next() {
            // The attribute alone may stand on an import; tests are a module.
            if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|(_, next)| next.trim().starts_with("mod ")) {
                return number;
            }
        }
        usize::MAX
    }
}
