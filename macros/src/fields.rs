//! Reads the wire names of a request's fields from serde's attributes, and refuses unsupported attributes.

use syn::{Attribute, Expr, ExprLit, Field, Lit, LitStr, Meta, Token, ext::IdentExt as _, punctuated::Punctuated};

use crate::errors::Errors;

/// A named field of a request.
pub(crate) struct WireField {
    pub(crate) ident: syn::Ident,
    pub(crate) ty: syn::Type,
    /// The field's `cfg` attributes, which its name in the expansion needs, too.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) name: String,
}

/// Returns the reason why a request cannot have this serde attribute on a field or on the struct.
fn refusal(word: &str) -> Option<&'static str> {
    Some(match word {
        "skip" | "skip_serializing" | "skip_deserializing" => {
            "would omit the field from the topic or the request, but a channel's field is part of both; remove the field or the attribute"
        }
        "skip_serializing_if" => {
            "would omit the field from some topics, but a topic contains every declared field; remove the attribute"
        }
        "flatten" => "would add fields that the channel does not declare; declare the fields here",
        "tag" | "content" => "would add a member that is not a field; declare it as a field",
        "untagged" | "other" => "is for enums, and a channel is a struct; remove it",
        "transparent" => "would make the request a value that is not an object; remove it",
        "into" | "from" | "try_from" => {
            "would replace the request with another type; put `#[ws_router]` on that type or remove it"
        }
        "remote" => "would implement serde's traits for another type; remove it",
        _ => return None,
    })
}

/// Returns true if the attribute is serde's and a request cannot have it.
pub(crate) fn is_refused(attr: &Attribute) -> bool {
    words(attr).iter().any(|meta| name_of(meta).is_some_and(|word| refusal(&word).is_some()))
}

/// Returns the wire names of a request's fields. Reports attributes that a request cannot have.
pub(crate) fn of<'a>(
    container: &[Attribute],
    fields: impl Iterator<Item = &'a Field>,
    errors: &Errors,
) -> Vec<WireField> {
    refuse(container, errors);
    let mut found: Vec<WireField> = Vec::new();
    for field in fields {
        refuse(&field.attrs, errors);
        let Some(ident) = field.ident.clone() else { continue };
        let plain = ident.unraw().to_string();
        let (own, [written, read]) = names(container, field, &plain);
        let at = [&own.serialize, &own.deserialize].into_iter().flatten().next();
        let at = at.map_or_else(|| ident.span(), LitStr::span);
        if written != read {
            let message = format!(
                "`{plain}` is read as `{read}` and written as `{written}`, so clients could not compute the topic; \
                 give it one name, and add others with `alias`"
            );
            errors.at(at, message);
        } else if let Some(other) = found.iter().find(|other| other.name == written && other.cfgs.is_empty()) {
            let message =
                format!("`{plain}` has the same wire name `{written}` as `{}`; rename one of them", other.ident);
            errors.at(at, message);
        }
        let cfgs = field.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
        found.push(WireField { ident, ty: field.ty.clone(), cfgs, name: written });
    }
    found
}

/// Returns the name under which serde writes a field whose Rust name is `plain`.
pub(crate) fn written(container: &[Attribute], field: &Field, plain: &str) -> String {
    let (_, [written, _]) = names(container, field, plain);
    written
}

/// Returns the names that the field's own attribute gives it, and the names under which serde
/// writes and reads it.
fn names(container: &[Attribute], field: &Field, plain: &str) -> (Rename, [String; 2]) {
    let all = rename(container, "rename_all").unwrap_or_default();
    let own = rename(&field.attrs, "rename").unwrap_or_default();
    let name = |own: &Option<LitStr>, rule: &Option<LitStr>| match (own, rule) {
        (Some(own), _) => own.value(),
        (None, Some(rule)) => apply(&rule.value(), plain),
        (None, None) => plain.to_owned(),
    };
    let names = [name(&own.serialize, &all.serialize), name(&own.deserialize, &all.deserialize)];
    (own, names)
}

/// Returns true if the attribute is a `cfg_attr` that adds one of serde's.
pub(crate) fn is_conditional(attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else { return false };
    list.path.is_ident("cfg_attr") && list.tokens.clone().into_iter().any(|token| token.to_string() == "serde")
}

fn refuse(attrs: &[Attribute], errors: &Errors) {
    for attr in attrs {
        for meta in words(attr) {
            if let Some((word, why)) = name_of(&meta).and_then(|word| Some((word.clone(), refusal(&word)?))) {
                errors.on(meta.path(), format!("`{word}` {why}"));
            }
        }
        if is_conditional(attr) {
            errors.on(attr.path(), "`cfg_attr` would make names on the wire depend on the build; write `#[serde(…)]`");
        }
    }
}

/// A pair of names or rules: one for serializing and one for deserializing.
#[derive(Default)]
struct Rename {
    serialize: Option<LitStr>,
    deserialize: Option<LitStr>,
}

/// Reads `word = "…"` or `word(serialize = "…", deserialize = "…")`.
///
/// serde reports values that it does not accept.
fn rename(attrs: &[Attribute], word: &str) -> Option<Rename> {
    let meta = attrs.iter().flat_map(words).find(|meta| meta.path().is_ident(word))?;
    match &meta {
        Meta::NameValue(pair) => {
            let text = text(&pair.value)?;
            Some(Rename { serialize: Some(text.clone()), deserialize: Some(text) })
        }
        Meta::List(list) => {
            let pairs = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
            let of = |direction: &str| {
                let pair = pairs.iter().find(|pair| pair.path().is_ident(direction))?;
                text(&pair.require_name_value().ok()?.value)
            };
            Some(Rename { serialize: of("serialize"), deserialize: of("deserialize") })
        }
        Meta::Path(_) => None,
    }
}

/// Returns the arguments of `#[serde(…)]`, and nothing for other attributes.
pub(crate) fn words(attr: &Attribute) -> Vec<Meta> {
    if !attr.path().is_ident("serde") {
        return Vec::new();
    }
    let parsed = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    parsed.map(|words| words.into_iter().collect()).unwrap_or_default()
}

fn name_of(meta: &Meta) -> Option<String> {
    meta.path().get_ident().map(ToString::to_string)
}

fn text(value: &Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Some(literal.clone()),
        // A macro of the user may have inserted it.
        Expr::Group(group) => text(&group.expr),
        _ => None,
    }
}

/// Applies one of serde's conventions for field names. serde reports an unknown one.
fn apply(rule: &str, field: &str) -> String {
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => field.to_ascii_uppercase(),
        "PascalCase" => pascal(field),
        "camelCase" => {
            let pascal = pascal(field);
            let mut chars = pascal.chars();
            chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
        }
        "kebab-case" => field.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => field.to_ascii_uppercase().replace('_', "-"),
        _ => field.to_owned(),
    }
}

fn pascal(field: &str) -> String {
    let mut out = String::new();
    let mut capital = true;
    for letter in field.chars() {
        if letter == '_' {
            capital = true;
        } else if capital {
            out.push(letter.to_ascii_uppercase());
            capital = false;
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn conventions_are_serdes() {
        let check = |rule: &str, expected: [&str; 3]| {
            assert_eq!(["account_id", "x", "_a__b1"].map(|field| apply(rule, field)), expected, "{rule}");
        };
        check("lowercase", ["account_id", "x", "_a__b1"]);
        check("UPPERCASE", ["ACCOUNT_ID", "X", "_A__B1"]);
        check("PascalCase", ["AccountId", "X", "AB1"]);
        check("camelCase", ["accountId", "x", "aB1"]);
        check("snake_case", ["account_id", "x", "_a__b1"]);
        check("SCREAMING_SNAKE_CASE", ["ACCOUNT_ID", "X", "_A__B1"]);
        check("kebab-case", ["account-id", "x", "-a--b1"]);
        check("SCREAMING-KEBAB-CASE", ["ACCOUNT-ID", "X", "-A--B1"]);
    }
}
