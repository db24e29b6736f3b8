//! What an item says of itself: its documentation comment, `summary` and `tags`.

use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta};

use crate::args::{self, Args};

pub(crate) struct Docs {
    pub(crate) summary: Option<LitStr>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) description: Description,
}

pub(crate) enum Description {
    /// A documentation comment.
    Text(String),
    /// With `#[doc = include_str!("…")]` somewhere, the compiler has to put it together.
    Lines(Vec<Expr>),
}

impl Docs {
    pub(crate) fn read(args: &mut Args, attrs: &[Attribute]) -> Self {
        Self { summary: args.text(&args::SUMMARY), tags: args.texts(&args::TAGS), description: description(attrs) }
    }
}

fn description(attrs: &[Attribute]) -> Description {
    let lines: Vec<&Expr> = attrs.iter().filter_map(doc).collect();
    match lines.iter().map(|line| text(line)).collect::<Option<Vec<String>>>() {
        Some(lines) => Description::Text(lines.join("\n").trim().to_owned()),
        None => Description::Lines(lines.into_iter().cloned().collect()),
    }
}

fn doc(attr: &Attribute) -> Option<&Expr> {
    match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
        _ => None,
    }
}

/// The text of a documentation attribute, each line without the space after `///`.
fn text(line: &Expr) -> Option<String> {
    let text = match line {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        Expr::Group(group) => return self::text(&group.expr),
        _ => return None,
    };
    let lines = text.split('\n').map(|line| line.strip_prefix(' ').unwrap_or(line));
    Some(lines.collect::<Vec<_>>().join("\n"))
}
