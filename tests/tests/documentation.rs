//! The transcripts in the documentation, each played against a real server of the test kit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path, sync::Arc};

use serde_json::{Value, value::RawValue};
use topicast::{Channel, Refusal, Server, compat, kind, testing};
use topicast_tests::channels::{self, App, Bars, Orders};

/// The pages with transcripts, and the number of transcripts on each.
const PAGES: [(&str, &str, usize); 1] = [("protocol.md", include_str!("../../docs/protocol.md"), 8)];

#[tokio::test]
async fn every_transcript_is_what_the_server_sends() {
    for (page, text, count) in PAGES {
        let transcripts: Vec<_> = transcripts(text).collect();
        assert_eq!(transcripts.len(), count, "{page} has another number of transcripts than is known");
        for transcript in transcripts {
            play(page, transcript).await;
        }
    }
}

#[test]
fn programs_and_tests_on_pages_are_those_that_run() {
    let embedding = include_str!("../../docs/embedding.md");
    let program = blocks(embedding, "rust,no_run").next().unwrap();
    assert!(include_str!("application/main.rs").contains(program), "the program of embedding.md is another");
    let run = [include_str!("testing_page.rs"), include_str!("application/tests.rs")];
    let tests: Vec<_> = blocks(include_str!("../../docs/testing.md"), "rust").collect();
    assert_eq!(tests.len(), 8);
    for test in tests {
        assert!(run.iter().any(|file| file.contains(test)), "no file runs this test of testing.md:\n{test}");
    }
}

#[test]
fn the_first_program_of_the_readme_compiles_with_its_test() {
    let readme = include_str!("../../README.md");
    let program = blocks(readme, "rust,no_run").next().unwrap();
    let test = blocks(readme, "rust").find(|block| block.contains("#[tokio::test]")).unwrap();
    let both = format!("{program}\n\n{test}\n");
    assert!(include_str!("readme.rs").ends_with(&both), "tests/readme.rs is not what the README prints:\n{both}");
}

#[test]
fn links_lead_to_files_and_headings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut checked = 0;
    for page in docs.chain([root.join("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: `{link}` leads nowhere", page.display());
            if let Some(heading) = heading {
                let headings = fs::read_to_string(&target).unwrap();
                let found = headings.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading);
                assert!(found, "{}: `{link}` names no heading", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked} links");
}

#[test]
fn comments_name_sections_of_the_protocol() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let headings: Vec<_> = PAGES[0].1.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut folders = vec![root.join("runtime/src"), root.join("macros/src")];
    let mut checked = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            for section in text.split("`docs/protocol.md`, \"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(headings.contains(&section), "{}: no section `{section}`", entry.path().display());
                checked += 1;
            }
        }
    }
    assert!(checked > 8, "{checked} sections");
}

/// Returns the anchor of a heading on a page.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-' || *letter == '_').collect()
}

/// Returns the blocks of a page that begin with a fence of this kind.
fn blocks(page: &'static str, fence: &str) -> impl Iterator<Item = &'static str> {
    page.split("\n```").filter_map(move |part| part.strip_prefix(fence)?.strip_prefix('\n'))
}

/// Returns the text blocks in which a client sends a message, except the exchanges that
/// `exchanges.rs` checks.
fn transcripts(page: &'static str) -> impl Iterator<Item = &'static str> {
    let is_exchange = |block: &str| block.starts_with('(') && !block.starts_with("(compat::");
    blocks(page, "text").filter(move |block| block.lines().any(|line| line.starts_with('→')) && !is_exchange(block))
}

async fn play(page: &str, transcript: &str) {
    let app = Arc::<App>::default();
    let builder = channels::builder(&app);
    let is_fastws = transcript.starts_with("(compat::fastws)\n");
    let ws = if is_fastws { builder.profile(compat::fastws()) } else { builder }.build().unwrap();
    let mut client = testing::Client::connect(&ws).await.unwrap();
    for line in transcript.lines().skip(usize::from(is_fastws)) {
        let (arrow, text) = line.split_once(' ').unwrap_or_else(|| panic!("{page}: {line}"));
        if arrow == "→" {
            client.send_text(text).await;
            continue;
        }
        assert_eq!(arrow, "←", "{page}: {line}");
        if let Some(end) = text.strip_prefix("close ") {
            let closed = client.closed().await;
            assert_eq!(format!("{} {}", closed.code, closed.reason), end, "{page}");
            continue;
        }
        act(&ws, text);
        let seen = client.next_text().await.unwrap_or_else(|end| panic!("{page}: {end:?} instead of {line}"));
        assert!(matches(&seen, text), "{page}:\nwritten {text}\nsent    {seen}");
    }
}

/// Publishes the expected update, or ends the subscription whose end is expected, as the application
/// of the transcript does.
fn act(ws: &Server, expected: &str) {
    let Ok(expected) = serde_json::from_str::<Value>(expected) else { return };
    let (kind, topic) = (&expected["type"], &expected["topic"]);
    if *kind == "bars.update" {
        publish::<Bars>(ws, &expected);
    } else if *kind == "orders.update" {
        publish::<Orders>(ws, &expected);
    } else if *kind == "orders.unsubscribed" {
        let text = |member: &str| expected["payload"][member].as_str().unwrap().to_owned();
        let refusal = Refusal::new(text("code"), text("message"));
        assert!(ws.sessions()[0].end_subscription(topic.as_str().unwrap(), &refusal));
    }
}

fn publish<C: Channel<Kind: kind::Publishes>>(ws: &Server, update: &Value) {
    let (_, request) = update["topic"].as_str().unwrap().split_once(':').unwrap();
    let topic = ws.publisher::<C>().unwrap().topic(&serde_json::from_str(request).unwrap()).unwrap();
    topic.publish_raw(&RawValue::from_string(update["payload"].to_string()).unwrap()).unwrap();
}

/// Returns true if the texts are equal, where each `…` stands for any text.
fn matches(seen: &str, written: &str) -> bool {
    let mut parts = written.split('…');
    let Some(mut rest) = parts.next().and_then(|first| seen.strip_prefix(first)) else { return false };
    let mut ends = !written.contains('…') && rest.is_empty();
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        ends = rest.is_empty() || part.is_empty();
    }
    ends
}

#[test]
fn an_ellipsis_stands_for_any_text() {
    for (seen, written) in [("abc", "abc"), ("abc", "a…c"), ("abc", "a…"), ("a1b2c", "a…b…c")] {
        assert!(matches(seen, written), "{seen} {written}");
    }
    for (seen, written) in [("abcd", "abc"), ("abc", "abcd"), ("abcd", "a…c"), ("xabc", "a…c"), ("", "a…")] {
        assert!(!matches(seen, written), "{seen} {written}");
    }
}
