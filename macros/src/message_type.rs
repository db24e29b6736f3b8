//! Checks the names that become the `type` of messages.

use syn::LitStr;

use crate::errors::Errors;

const ROUTE: &str = "allowed are lower-case letters, digits and hyphens, starting with a letter";
const OPERATION: &str = "allowed are parts joined by dots, each of lower-case letters, digits, hyphens and \
                         underscores, starting with a letter";

/// The message types that the framework itself handles or sends.
const RESERVED: [&str; 3] = ["ping", "ping.response", "error"];

/// Checks the route of a channel.
pub(crate) fn check_route(route: &LitStr, errors: &Errors) {
    let text = route.value();
    if text.is_empty() {
        errors.on(route, format!("the route is empty; {ROUTE}"));
    } else if let Some(fault) = fault(&text, "-") {
        errors.on(route, format!("the route `{text}` {fault}; {ROUTE}"));
    }
}

/// Checks the name of an operation, a reply or a push.
pub(crate) fn check_operation(name: &LitStr, what: &str, errors: &Errors) {
    let text = name.value();
    if text.is_empty() {
        errors.on(name, format!("the name of the {what} is empty; {OPERATION}"));
    } else if let Some(fault) = text.split('.').find_map(|part| fault(part, "-_")) {
        errors.on(name, format!("the name `{text}` {fault}; {OPERATION}"));
    } else if RESERVED.contains(&text.as_str()) {
        errors.on(name, format!("`{text}` is reserved by the framework; give the {what} another name"));
    }
}

/// Returns the fault of one part of a name, if it has one.
fn fault(part: &str, marks: &str) -> Option<String> {
    let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || marks.contains(letter);
    if let Some(letter) = part.chars().find(|letter| !allowed(*letter)) {
        return Some(format!("contains `{}`", letter.escape_debug()));
    }
    match part.chars().next() {
        None => Some("has an empty part".to_owned()),
        Some(first) if !first.is_ascii_lowercase() => Some(format!("starts with `{first}`")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn routes_are_lower_case_letters_digits_and_hyphens() {
        let check = |route: &str, good: bool| {
            let errors = Errors::new();
            check_route(&LitStr::new(route, Span::call_site()), &errors);
            assert_eq!(errors.check().is_ok(), good, "{route}");
        };
        for good in ["bars", "b", "order-book", "l2", "a-", "error", "ping"] {
            check(good, true);
        }
        for bad in ["", "Bars", "2l", "-a", "a b", "a.b", "a_b", "é", "a:b", "\n"] {
            check(bad, false);
        }
    }

    #[test]
    fn operations_are_parts_joined_by_dots() {
        let check = |name: &str, good: bool| {
            let errors = Errors::new();
            check_operation(&LitStr::new(name, Span::call_site()), "push", &errors);
            assert_eq!(errors.check().is_ok(), good, "{name}");
        };
        for good in ["notice", "orders.place", "orders.place_all.v2", "a-b.c", "ping.me"] {
            check(good, true);
        }
        for bad in ["", ".", "a.", ".a", "a..b", "A", "a.2", "a.-b", "ping", "error", "ping.response", "a b"] {
            check(bad, false);
        }
    }
}
