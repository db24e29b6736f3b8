//! Rules about who may do what: the invariants of the architecture, as absences.

use super::Breach;
use super::tree::{File, Tree};

/// What only code that touches a socket names.
const SOCKETS: [&str; 7] =
    ["TcpStream", "TcpListener", "UnixStream", "OnUpgrade", "AsyncRead", "AsyncWrite", "try_write_vectored"];

/// The files of runtime that open a socket, read from it, write to it or stand in for it.
const TOUCHING: [&str; 6] =
    ["listen/serving", "listen/http_stream", "connection/upgrade", "connection/task", "wire/transport", "testing"];

pub(super) fn sockets(tree: &Tree) -> Vec<Breach> {
    let touches = |file: &File| {
        let path = file.path.strip_prefix("runtime/src/").unwrap_or_default();
        TOUCHING.iter().any(|touching| path.strip_prefix(touching).is_some_and(|rest| rest.starts_with(['.', '/'])))
    };
    let others = tree.rust("runtime/src/").filter(|file| !touches(file));
    naming(others, &SOCKETS, |word| format!("`{word}`: a socket is not this module's"))
}

pub(super) fn bounds(tree: &Tree) -> Vec<Breach> {
    let words = [concat!("unbounded", "_channel"), concat!("mpsc::unb", "ounded"), concat!("flume::unb", "ounded")];
    naming(tree.rust(""), &words, |word| format!("`{word}` grows without an end"))
}

pub(super) fn quoting(tree: &Tree) -> Vec<Breach> {
    let others = tree.rust("macros/src/").filter(|file| module(file, "macros/src/") != "expand");
    naming(others, &["quote!", "quote_spanned!", "parse_quote!", "parse_quote_spanned!"], |word| {
        format!("`{word}` stands outside expand")
    })
}

/// The lines of code, tests aside, in which one of the words stands.
fn naming<'a>(files: impl Iterator<Item = &'a File>, words: &[&str], what: impl Fn(&str) -> String) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files {
        for (number, line) in file.product() {
            if let Some(word) = words.iter().find(|word| line.contains(*word)) {
                breaches.push(Breach::new(&file.path, number, what(word)));
            }
        }
    }
    breaches
}

/// The module of a crate's root that a file belongs to.
pub(super) fn module<'a>(file: &'a File, sources: &str) -> &'a str {
    let rest = file.path.strip_prefix(sources).unwrap_or(&file.path);
    rest.split('/').next().and_then(|first| first.split('.').next()).unwrap_or_default()
}
