//! The kind of a channel: reads and checks `latest`, `table(…)` and `history(…)`.

use proc_macro2::Span;
use syn::{Ident, LitInt, LitStr, ext::IdentExt as _};

use crate::{
    args::{self, Args, Word},
    errors::Errors,
};

const TABLE: &[Word] = &[args::KEY, args::CHECKSUM];
const HISTORY: &[Word] = &[args::COUNT, args::AGE];

/// The maximum number of fields of a key: the runtime implements `Key` for tuples up to this length.
const MAX_FIELDS: usize = 4;

const AGE: &str = "allowed are a whole number from 1 and a unit, as in \"500ms\", \"30s\", \"5m\" and \"2h\"";

/// What an update means.
#[derive(Clone)]
pub(crate) enum Kind {
    Events { history: Option<History> },
    Latest,
    Table(Table),
}

/// The limits of a history, at least one of which is given.
#[derive(Clone, Copy)]
pub(crate) struct History {
    pub(crate) count: Option<u32>,
    pub(crate) age_ms: Option<u64>,
}

/// A table. The key of a faulty declaration may be empty.
#[derive(Clone)]
pub(crate) struct Table {
    /// The Rust names of the row's fields.
    pub(crate) key: Vec<Ident>,
    /// The place of the key.
    pub(crate) span: Span,
    pub(crate) checksum: bool,
}

/// Reads the kind of a channel, which is events unless an argument says otherwise.
pub(crate) fn check(args: &mut Args, errors: &Errors) -> Kind {
    if let (Some(_), Some(table)) = (args.span(&args::LATEST), args.span(&args::TABLE)) {
        errors.at(
            table,
            "`latest` and `table` are two kinds, and a channel has one: `latest` keeps one value, `table` rows by key; \
             remove one of them",
        );
    }
    let history = history(args, errors);
    if args.has(&args::TABLE) {
        refuse_history(args, "a table keeps its rows and remembers what was removed", errors);
        Kind::Table(table(args, errors))
    } else if args.flag(&args::LATEST) || args.has(&args::LATEST) {
        refuse_history(args, "a `latest` channel keeps only its value", errors);
        Kind::Latest
    } else {
        Kind::Events { history }
    }
}

fn refuse_history(args: &Args, keeps: &str, errors: &Errors) {
    if let Some(history) = args.span(&args::HISTORY) {
        errors.at(
            history,
            format!(
                "`history` is for events, the kind without `latest` and `table`: {keeps}, and a returning client \
                 catches up from that; remove `history`"
            ),
        );
    }
}

fn table(args: &mut Args, errors: &Errors) -> Table {
    let none = |span| Table { key: Vec::new(), span, checksum: false };
    let Some((span, tokens)) = args.group(&args::TABLE) else { return none(Span::call_site()) };
    let mut inner = Args::read(tokens, TABLE, errors);
    let checksum = inner.flag(&args::CHECKSUM);
    match inner.fields(&args::KEY) {
        Some((span, key)) => {
            check_key(span, &key, errors);
            Table { key, span, checksum }
        }
        None => {
            if !inner.has(&args::KEY) {
                errors.at(
                    span,
                    "`key` is missing: the fields of the row that identify it, as in `table(key = id)` or `table(key = (side, price))`",
                );
            }
            none(span)
        }
    }
}

fn check_key(span: Span, key: &[Ident], errors: &Errors) {
    if key.is_empty() {
        errors.at(
            span,
            "the key is empty; name one field of the row or up to four, as in `key = id` and `key = (side, price)`",
        );
    } else if let Some(field) = key.get(MAX_FIELDS) {
        errors.on(
            field,
            format!(
                "a key has at most {MAX_FIELDS} fields, and this is one more; join fields in a newtype, or remove one"
            ),
        );
    }
    for (at, field) in key.iter().enumerate() {
        if key[..at].iter().any(|earlier| earlier.unraw() == field.unraw()) {
            errors.on(field, format!("`{field}` is in the key twice; name each field once"));
        }
    }
}

fn history(args: &mut Args, errors: &Errors) -> Option<History> {
    let (span, tokens) = args.group(&args::HISTORY)?;
    let mut inner = Args::read(tokens, HISTORY, errors);
    if !inner.has(&args::COUNT) && !inner.has(&args::AGE) {
        errors.at(
            span,
            "`history` has no limit; give `count`, `age` or both, as in `history(count = 1000, age = \"5m\")`",
        );
    }
    let count = inner.count(&args::COUNT).and_then(|count| check_count(&count, errors));
    let age_ms = inner.text(&args::AGE).and_then(|age| check_age(&age, errors));
    Some(History { count, age_ms })
}

fn check_count(count: &LitInt, errors: &Errors) -> Option<u32> {
    let parsed = count.base10_parse::<u32>().ok().filter(|count| *count > 0);
    if parsed.is_none() {
        errors.on(count, format!("`count` is {count}; allowed are whole numbers from 1 to {}", u32::MAX));
    }
    parsed
}

fn check_age(age: &LitStr, errors: &Errors) -> Option<u64> {
    let parsed = milliseconds(&age.value());
    if parsed.is_none() {
        errors.on(age, format!("`{}` is not an age; {AGE}", age.value()));
    }
    parsed
}

/// Parses a duration such as `5m`.
fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit).filter(|age| *age > 0)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn an_age_is_a_whole_number_and_a_unit() {
        for (text, expected) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("05m", 300_000)]
        {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        for text in ["", "5", "m", "0s", "1.5h", "-1s", "5 m", "5M", "5min", "1h30m", "é", "99999999999999999h", "٣s"]
        {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
