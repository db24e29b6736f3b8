//! Reads the arguments of an attribute. Reports each mistake and continues with the next argument.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Ident, LitBool, LitInt, LitStr, Path, Token, Type, bracketed,
    ext::IdentExt as _,
    parenthesized,
    parse::{ParseStream, Parser},
    punctuated::Punctuated,
    token,
};

use crate::errors::Errors;

/// An argument that an attribute accepts.
pub(crate) struct Word {
    name: &'static str,
    kind: ValueKind,
    /// An example of its syntax, for error messages.
    example: &'static str,
}

enum ValueKind {
    Text,
    Texts,
    Type,
    Path,
    Switch,
    Flag,
    Group,
    Fields,
    Count,
}

/// The name before the other arguments, as in `#[ws_push("notice")]`.
pub(crate) const NAME: Word = Word { name: "name", kind: ValueKind::Text, example: "\"name\"" };
pub(crate) const ROUTE: Word = Word { name: "route", kind: ValueKind::Text, example: "route = \"bars\"" };
pub(crate) const REPLY: Word =
    Word { name: "reply", kind: ValueKind::Text, example: "reply = \"orders.place.response\"" };
pub(crate) const UPDATE: Word = Word { name: "update", kind: ValueKind::Type, example: "update = Bar" };
pub(crate) const SUBJECT: Word = Word { name: "subject", kind: ValueKind::Text, example: "subject = \"symbol\"" };
pub(crate) const TAGS: Word = Word { name: "tags", kind: ValueKind::Texts, example: "tags = [\"datafeed\"]" };
pub(crate) const SUMMARY: Word = Word { name: "summary", kind: ValueKind::Text, example: "summary = \"one line\"" };
pub(crate) const CRATE: Word =
    Word { name: "crate", kind: ValueKind::Path, example: "crate = crate::reexport::topicast" };
pub(crate) const DERIVE: Word = Word { name: "derive", kind: ValueKind::Switch, example: "derive = false" };
pub(crate) const SERVED: Word = Word { name: "served", kind: ValueKind::Flag, example: "served" };

pub(crate) const LATEST: Word = Word { name: "latest", kind: ValueKind::Flag, example: "latest" };
pub(crate) const TABLE: Word = Word { name: "table", kind: ValueKind::Group, example: "table(key = id)" };
pub(crate) const KEY: Word = Word { name: "key", kind: ValueKind::Fields, example: "key = (side, price)" };
pub(crate) const CHECKSUM: Word = Word { name: "checksum", kind: ValueKind::Flag, example: "checksum" };
pub(crate) const HISTORY: Word =
    Word { name: "history", kind: ValueKind::Group, example: "history(count = 1000, age = \"5m\")" };
pub(crate) const COUNT: Word = Word { name: "count", kind: ValueKind::Count, example: "count = 1000" };
pub(crate) const AGE: Word = Word { name: "age", kind: ValueKind::Text, example: "age = \"5m\"" };

enum Value {
    Text(LitStr),
    Texts(Vec<LitStr>),
    Type(Box<Type>),
    Path(Path),
    Switch(bool),
    Flag,
    Group(TokenStream),
    Fields(Span, Vec<Ident>),
    Count(LitInt),
}

/// The arguments of an attribute.
pub(crate) struct Args {
    given: Vec<Given>,
}

/// A word in the attribute.
struct Given {
    name: &'static str,
    span: Span,
    /// `None` if the value could not be read or was already taken.
    value: Option<Value>,
}

impl Args {
    /// Reads `tokens`, in which each of the `allowed` words may appear once.
    ///
    /// If [`NAME`] is the first of them, a string without a word before it is the name.
    pub(crate) fn read(tokens: TokenStream, allowed: &'static [Word], errors: &Errors) -> Self {
        let mut args = Self { given: Vec::new() };
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = args.one(input, allowed) {
                    errors.at(error.span(), error);
                } else if !input.is_empty() && !input.peek(Token![,]) {
                    errors.at(input.span(), "expected a comma between two arguments");
                }
                // The rest of a faulty argument would only cause further errors.
                skip_to_comma(input)?;
                input.parse::<Option<Token![,]>>()?;
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.at(error.span(), error);
        }
        args
    }

    fn one(&mut self, input: ParseStream<'_>, allowed: &'static [Word]) -> syn::Result<()> {
        let span = input.span();
        let word = if takes_name(allowed) && input.peek(LitStr) {
            &allowed[0]
        } else if input.peek(Ident::peek_any) {
            let written = input.call(Ident::parse_any)?.to_string();
            let unknown =
                || syn::Error::new(span, format!("unknown argument `{written}`; allowed are {}", list(allowed)));
            named(allowed).find(|word| word.name == written).ok_or_else(unknown)?
        } else {
            return Err(syn::Error::new(span, format!("expected an argument; allowed are {}", list(allowed))));
        };
        if self.has(word) {
            let what = if word.name == NAME.name { "the name".to_owned() } else { format!("`{}`", word.name) };
            let message = format!("{what} is given twice; allowed once each are {}", list(allowed));
            return Err(syn::Error::new(span, message));
        }
        let value = word.read(span, input);
        let (value, result) = value.map_or_else(|error| (None, Err(error)), |value| (Some(value), Ok(())));
        self.given.push(Given { name: word.name, span, value });
        result
    }

    /// Returns true if the attribute has the word, even with a faulty value.
    pub(crate) fn has(&self, word: &Word) -> bool {
        self.span(word).is_some()
    }

    /// Returns the place of a word that the attribute has.
    pub(crate) fn span(&self, word: &Word) -> Option<Span> {
        self.given.iter().find(|given| given.name == word.name).map(|given| given.span)
    }

    fn take(&mut self, word: &Word) -> Option<Value> {
        self.given.iter_mut().find(|given| given.name == word.name)?.value.take()
    }

    pub(crate) fn text(&mut self, word: &Word) -> Option<LitStr> {
        match self.take(word)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn texts(&mut self, word: &Word) -> Vec<LitStr> {
        match self.take(word) {
            Some(Value::Texts(texts)) => texts,
            _ => Vec::new(),
        }
    }

    pub(crate) fn ty(&mut self, word: &Word) -> Option<Type> {
        match self.take(word)? {
            Value::Type(ty) => Some(*ty),
            _ => None,
        }
    }

    pub(crate) fn path(&mut self, word: &Word) -> Option<Path> {
        match self.take(word)? {
            Value::Path(path) => Some(path),
            _ => None,
        }
    }

    pub(crate) fn switch(&mut self, word: &Word, otherwise: bool) -> bool {
        match self.take(word) {
            Some(Value::Switch(on)) => on,
            _ => otherwise,
        }
    }

    pub(crate) fn flag(&mut self, word: &Word) -> bool {
        matches!(self.take(word), Some(Value::Flag))
    }

    /// Returns the word's place and the arguments in its parentheses.
    pub(crate) fn group(&mut self, word: &Word) -> Option<(Span, TokenStream)> {
        let span = self.span(word)?;
        match self.take(word)? {
            Value::Group(tokens) => Some((span, tokens)),
            _ => None,
        }
    }

    /// Returns the names of fields, and the place of the value.
    pub(crate) fn fields(&mut self, word: &Word) -> Option<(Span, Vec<Ident>)> {
        match self.take(word)? {
            Value::Fields(span, fields) => Some((span, fields)),
            _ => None,
        }
    }

    pub(crate) fn count(&mut self, word: &Word) -> Option<LitInt> {
        match self.take(word)? {
            Value::Count(count) => Some(count),
            _ => None,
        }
    }
}

impl Word {
    /// Reads the value after the word at `span`. The error points at the first unexpected token.
    fn read(&self, span: Span, input: ParseStream<'_>) -> syn::Result<Value> {
        if self.name == NAME.name {
            return input.parse().map(Value::Text);
        }
        let what = match self.kind {
            ValueKind::Text => "a string",
            ValueKind::Texts => "a list of strings",
            ValueKind::Type => "a type",
            ValueKind::Path => "a path",
            ValueKind::Switch => "`true` or `false`",
            ValueKind::Flag => "no value",
            ValueKind::Group => "arguments in parentheses",
            ValueKind::Fields => "a field of the row, or several in parentheses",
            ValueKind::Count => "a whole number",
        };
        // Without a value, the error of `syn` points at the comma or at the whole attribute.
        let rest = input.fork();
        let missing = rest.parse::<Option<Token![=]>>().is_ok() && (rest.is_empty() || rest.peek(Token![,]));
        self.value(input).map_err(|error| {
            let span = if missing { span } else { error.span() };
            syn::Error::new(span, format!("`{}` takes {what}: `{}`", self.name, self.example))
        })
    }

    fn value(&self, input: ParseStream<'_>) -> syn::Result<Value> {
        if let ValueKind::Flag = self.kind {
            let ends = input.is_empty() || input.peek(Token![,]);
            return if ends { Ok(Value::Flag) } else { Err(input.error("no value")) };
        }
        if let ValueKind::Group = self.kind {
            let group;
            parenthesized!(group in input);
            return Ok(Value::Group(group.parse()?));
        }
        input.parse::<Token![=]>()?;
        Ok(match self.kind {
            ValueKind::Text => Value::Text(input.parse()?),
            ValueKind::Texts => Value::Texts(texts(input)?),
            ValueKind::Type => Value::Type(input.parse()?),
            ValueKind::Path => Value::Path(input.call(Path::parse_mod_style)?),
            ValueKind::Switch => Value::Switch(input.parse::<LitBool>()?.value),
            ValueKind::Fields => fields(input)?,
            ValueKind::Count => Value::Count(input.parse()?),
            // Returned above.
            ValueKind::Flag | ValueKind::Group => Value::Flag,
        })
    }
}

fn texts(input: ParseStream<'_>) -> syn::Result<Vec<LitStr>> {
    let list;
    bracketed!(list in input);
    Ok(Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?.into_iter().collect())
}

fn fields(input: ParseStream<'_>) -> syn::Result<Value> {
    let span = input.span();
    if !input.peek(token::Paren) {
        return Ok(Value::Fields(span, vec![input.call(Ident::parse_any)?]));
    }
    let list;
    let parentheses = parenthesized!(list in input);
    // Read as a whole first: `syn` would report the rest of a faulty list once more.
    let tokens: TokenStream = list.parse()?;
    let fields = |list: ParseStream<'_>| Punctuated::<Ident, Token![,]>::parse_terminated_with(list, Ident::parse_any);
    let fields = fields.parse2(tokens)?;
    Ok(Value::Fields(parentheses.span.join(), fields.into_iter().collect()))
}

fn takes_name(allowed: &[Word]) -> bool {
    allowed.first().is_some_and(|word| word.name == NAME.name)
}

/// Returns the allowed words except [`NAME`], which is written as a string only.
fn named(allowed: &'static [Word]) -> impl Iterator<Item = &'static Word> {
    allowed.iter().filter(|word| word.name != NAME.name)
}

/// Returns the list of allowed words for error messages.
fn list(allowed: &'static [Word]) -> String {
    named(allowed).map(|word| format!("`{}`", word.name)).collect::<Vec<_>>().join(", ")
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    let mut depth = 0_usize;
    while !input.is_empty() && (depth > 0 || !input.peek(Token![,])) {
        if let TokenTree::Punct(punct) = input.parse()? {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    Ok(())
}
