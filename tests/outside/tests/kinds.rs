//! A channel of any kind is declared in under ten lines.

/// Counts the lines of code of a file above its tests.
fn lines(source: &str) -> usize {
    let (declaration, _) = source.split_once("#[cfg(test)]").expect("each kind has tests");
    declaration.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn a_channel_of_any_kind_takes_under_ten_lines() {
    for (kind, source) in [
        ("events with a history", include_str!("../src/kinds/events.rs")),
        ("latest", include_str!("../src/kinds/latest.rs")),
        ("a table with a checksum", include_str!("../src/kinds/table.rs")),
    ] {
        let lines = lines(source);
        println!("{kind}: {lines} lines");
        assert!((1..10).contains(&lines), "{kind} takes {lines} lines");
    }
}
