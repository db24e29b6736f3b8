//! The documentation of an item: its documentation comment, `summary` and `tags`.

use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta, spanned::Spanned as _};

use crate::args::{self, Args};

pub(crate) struct Docs {
    pub(crate) summary: Option<LitStr>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) description: Description,
}

pub(crate) enum Description {
    /// A documentation comment.
    Text(String),
    /// With `#[doc = include_str!("…")]` among the lines, the compiler must join them.
    Lines(Vec<Expr>),
}

impl Docs {
    pub(crate) fn read(args: &mut Args, attrs: &[Attribute]) -> Self {
        Self { summary: args.text(&args::SUMMARY), tags: args.texts(&args::TAGS), description: description(attrs) }
    }
}

fn description(attrs: &[Attribute]) -> Description {
    let lines: Vec<&Expr> = attrs.iter().filter_map(doc).collect();
    let texts: Vec<Option<String>> = lines.iter().map(|line| text(line)).collect();
    if let Some(texts) = texts.iter().cloned().collect::<Option<Vec<String>>>() {
        return Description::Text(texts.join("\n").trim().to_owned());
    }
    let joined = lines.into_iter().zip(texts).map(|(line, text)| match text {
        Some(text) => Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::Str(LitStr::new(&text, line.span())) }),
        None => line.clone(),
    });
    Description::Lines(joined.collect())
}

fn doc(attr: &Attribute) -> Option<&Expr> {
    match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
        _ => None,
    }
}

/// Returns the text of a documentation attribute.
fn text(line: &Expr) -> Option<String> {
    match line {
        Expr::Lit(ExprLit { lit: Lit::Str(written), .. }) => Some(plain(&written.value())),
        Expr::Group(group) => text(&group.expr),
        _ => None,
    }
}

/// Returns a comment without its decoration: the space after `///`, the stars of a block.
fn plain(comment: &str) -> String {
    let lines: Vec<&str> = comment.split('\n').collect();
    let starred =
        lines.len() > 1 && lines.iter().all(|line| line.trim().is_empty() || line.trim_start().starts_with('*'));
    let lines = lines.into_iter().map(|line| {
        let line = if starred { line.trim_start().trim_start_matches('*') } else { line };
        line.strip_prefix(' ').unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn comments_lose_their_decoration_and_keep_their_markdown() {
        let check = |comment, expected| assert_eq!(plain(comment), expected);
        check(" One line.", "One line.");
        check("bare", "bare");
        check("     code", "    code");
        check("\n * One.\n *\n *     code\n ", "\nOne.\n\n    code\n");
        check(" * a list", "* a list");
    }
}
