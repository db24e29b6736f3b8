//! Parts of the messages about faults of form.

/// Returns serde_json's message without its line and column, which are relative to a fragment of
/// the client's message.
pub(super) fn without_line_and_column(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) if error.line() > 0 => text[..end].to_owned(),
        _ => text,
    }
}

/// Truncates a client's value for use in an error message.
pub(super) fn truncate(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
