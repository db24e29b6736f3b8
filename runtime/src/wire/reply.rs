//! The payloads of replies. Members have the order that `docs/protocol.md` states.

use crate::{
    Refusal,
    declare::SubjectText,
    wire::envelope::{number, string},
};

/// Encodes `{"status":"ok", subject, "message", "topic"}`.
pub(crate) fn ok_payload(subject: Option<(&str, &SubjectText)>, verb: &str, route: &str, topic: &str) -> Vec<u8> {
    let mut out = b"{\"status\":\"ok\"".to_vec();
    write_subject(&mut out, subject);
    out.extend_from_slice(b",\"message\":");
    let subject_text = subject.map_or(route, |(_, subject)| &subject.plain);
    string(&mut out, &format!("{verb} {subject_text}"));
    out.extend_from_slice(b",\"topic\":");
    string(&mut out, topic);
    out.push(b'}');
    out
}

/// Encodes `{"status":"error", subject, "code", "message", "retryable", "retry_after_ms"?}`.
/// `R.unsubscribed` omits the status, because its type already says that the subscription ended.
pub(crate) fn refusal_payload(subject: Option<(&str, &SubjectText)>, refusal: &Refusal, with_status: bool) -> Vec<u8> {
    let mut out = b"{".to_vec();
    if with_status {
        out.extend_from_slice(b"\"status\":\"error\"");
        write_subject(&mut out, subject);
        out.push(b',');
    }
    write_refusal(&mut out, refusal);
    if let Some(after) = refusal.retry_after_hint() {
        out.extend_from_slice(b",\"retry_after_ms\":");
        // Rounded up: the server refuses a client again that retries a fraction of a millisecond early.
        number(&mut out, u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX));
    }
    out.push(b'}');
    out
}

fn write_refusal(out: &mut Vec<u8>, refusal: &Refusal) {
    out.extend_from_slice(b"\"code\":");
    string(out, refusal.code());
    out.extend_from_slice(b",\"message\":");
    string(out, refusal.message());
    out.extend_from_slice(if refusal.is_retryable() { b",\"retryable\":true" } else { b",\"retryable\":false" });
}

fn write_subject(out: &mut Vec<u8>, subject: Option<(&str, &SubjectText)>) {
    if let Some((name, subject)) = subject {
        out.push(b',');
        string(out, name);
        out.push(b':');
        out.extend_from_slice(subject.json.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn members_are_written_in_the_order_of_the_protocol() {
        let subject = SubjectText { json: "\"A\"".into(), plain: "A".into() };
        let text = |payload: Vec<u8>| String::from_utf8(payload).unwrap();
        assert_eq!(
            text(ok_payload(Some(("symbol", &subject)), "Subscribed to", "bars", "bars:{}")),
            r#"{"status":"ok","symbol":"A","message":"Subscribed to A","topic":"bars:{}"}"#
        );
        assert_eq!(
            text(ok_payload(None, "Unsubscribed from", "status", "status:{}")),
            r#"{"status":"ok","message":"Unsubscribed from status","topic":"status:{}"}"#
        );
        let refusal = Refusal::rate_limited("slow down", Duration::from_millis(1500));
        assert_eq!(
            text(refusal_payload(Some(("symbol", &subject)), &refusal, true)),
            r#"{"status":"error","symbol":"A","code":"rate_limited","message":"slow down","retryable":true,"retry_after_ms":1500}"#
        );
        assert_eq!(
            text(refusal_payload(None, &Refusal::forbidden("no"), false)),
            r#"{"code":"forbidden","message":"no","retryable":false}"#
        );
    }

    #[test]
    fn a_fraction_of_a_millisecond_is_rounded_up() {
        for (nanos, millis) in [(1, 1), (500_000, 1), (1_000_000, 1), (1_000_001, 2), (0, 0)] {
            let refusal = Refusal::rate_limited("slow down", Duration::from_nanos(nanos));
            let text = String::from_utf8(refusal_payload(None, &refusal, false)).unwrap();
            assert!(text.ends_with(&format!("\"retry_after_ms\":{millis}}}")), "{nanos} ns: {text}");
        }
    }
}
