//! `#[ws_router]`: checks the attribute and its struct, and returns a valid channel.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens as _;
use syn::{Data, DeriveInput, Fields, Ident, LitStr, Path, Type, ext::IdentExt as _};

use crate::{
    args::{self, Args, Word},
    docs::Docs,
    errors::Errors,
    fields::{self, WireField},
    item::{self, Declared},
    kind::{self, Kind},
    message_type, place, tokens,
};

const WORDS: &[Word] = &[
    args::ROUTE,
    args::UPDATE,
    args::LATEST,
    args::TABLE,
    args::HISTORY,
    args::SERVED,
    args::SUBJECT,
    args::TAGS,
    args::SUMMARY,
    args::CRATE,
    args::DERIVE,
];

/// The members of a reply in addition to the subject (`docs/protocol.md`, "Channels" and "Refusals").
const REPLY_MEMBERS: [&str; 6] = ["status", "message", "topic", "code", "retryable", "retry_after_ms"];

const OWNS: &str = "cannot borrow, because the request outlives the client's message; \
                    write `String` for `&str` and `Vec<T>` for `&[T]`";

/// A checked channel; only [`check`] creates one.
pub(crate) struct Channel {
    pub(crate) runtime: Path,
    pub(crate) ident: Ident,
    pub(crate) route: LitStr,
    pub(crate) update: Type,
    pub(crate) kind: Kind,
    pub(crate) docs: Docs,
    pub(crate) fields: Vec<WireField>,
    pub(crate) subject: Option<Subject>,
    pub(crate) served: bool,
}

/// The field that replies echo.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) ident: Ident,
    /// The field's type, with the span at which the compiler reports a wrong type.
    pub(crate) ty: Type,
}

/// The parts of a faulty declaration that the rest of the user's crate needs to compile.
pub(crate) struct Faulty {
    pub(crate) runtime: Path,
    pub(crate) update: Option<Type>,
    pub(crate) kind: Kind,
    pub(crate) served: bool,
    pub(crate) derive: bool,
    pub(crate) errors: TokenStream,
}

/// Reads and checks a declaration.
pub(crate) fn check(arguments: TokenStream, input: &DeriveInput) -> Result<(Declared, Channel), Box<Faulty>> {
    let errors = Errors::new();
    let mut args = Args::read(arguments, WORDS, &errors);
    let runtime = runtime(&mut args);
    let docs = Docs::read(&mut args, &input.attrs);
    let derive = args.switch(&args::DERIVE, true);
    let served = args.flag(&args::SERVED);

    let route = args.text(&args::ROUTE);
    match &route {
        Some(route) => message_type::check_route(route, &errors),
        None if args.has(&args::ROUTE) => {}
        None => errors.at(
            Span::call_site(),
            "`route` is missing: the first part of the channel's topics and operations, as in `route = \"bars\"`",
        ),
    }
    let update = args.ty(&args::UPDATE);
    if update.is_none() && !args.has(&args::UPDATE) {
        errors.at(Span::call_site(), "`update` is missing: the type that subscribers receive, as in `update = Bar`");
    }

    let kind = kind::check(&mut args, &errors);

    let item = Declared::request(input.clone(), derive);
    let shaped = check_shape(&item, &errors);
    let (fields, subject) = if shaped { read_fields(&mut args, input, &errors) } else { (Vec::new(), None) };

    let faulty = |errors, update| {
        Box::new(Faulty { runtime: runtime.clone(), update, kind: kind.clone(), served, derive, errors })
    };
    if let Err(errors) = errors.check() {
        return Err(faulty(errors, update));
    }
    let (Some(route), Some(update)) = (route, update) else {
        // A missing argument is already reported, so this is unreachable.
        return Err(faulty(TokenStream::new(), None));
    };
    let ident = input.ident.clone();
    Ok((item, Channel { runtime, ident, route, update, kind, docs, fields, subject, served }))
}

/// Returns the path of the runtime: `crate = …` or `::topicast`.
pub(crate) fn runtime(args: &mut Args) -> Path {
    args.path(&args::CRATE).unwrap_or_else(default_runtime)
}

pub(crate) fn default_runtime() -> Path {
    let name = Ident::new("topicast", Span::call_site());
    Path { leading_colon: Some(Default::default()), segments: [syn::PathSegment::from(name)].into_iter().collect() }
}

/// Returns true if the item is a struct with named fields and no generic parameters.
fn check_shape(item: &Declared, errors: &Errors) -> bool {
    const WANTED: &str = "a channel is a struct with named fields: what a client sends to subscribe";
    let input = &item.input;
    let Data::Struct(data) = &input.data else {
        let (kind, span) = item::describe(input);
        errors.at(span, format!("this is {kind}; {WANTED}"));
        return false;
    };
    if input.generics.lifetimes().next().is_some() {
        errors.on(&input.generics, format!("a channel {OWNS}"));
        return false;
    }
    if !input.generics.params.is_empty() {
        errors.on(
            &input.generics,
            "a channel cannot be generic, because its route stands for one type; declare a struct for each type",
        );
        return false;
    }
    for field in &data.fields {
        if let Some(span) = tokens::borrows(&field.ty) {
            errors.at(span, format!("the field of a channel {OWNS}"));
        }
    }
    match &data.fields {
        Fields::Named(_) => true,
        Fields::Unnamed(fields) => {
            errors.on(fields, format!("these fields have no names; {WANTED}"));
            false
        }
        Fields::Unit if item.is_null() => {
            errors.on(
                &input.ident,
                format!(
                    "a unit struct is `null` to serde, and a request is an object; write `struct {} {{}}`",
                    input.ident
                ),
            );
            false
        }
        Fields::Unit => true,
    }
}

fn read_fields(args: &mut Args, input: &DeriveInput, errors: &Errors) -> (Vec<WireField>, Option<Subject>) {
    let Data::Struct(data) = &input.data else { return (Vec::new(), None) };
    let fields = fields::of(&input.attrs, data.fields.iter(), errors);
    let subject = match args.text(&args::SUBJECT) {
        Some(named) => named_subject(&named, &fields, errors),
        None if args.has(&args::SUBJECT) => None,
        None => first_subject(&fields, errors),
    };
    (fields, subject)
}

fn named_subject(named: &LitStr, fields: &[WireField], errors: &Errors) -> Option<Subject> {
    let wanted = named.value();
    let Some(field) = fields.iter().find(|field| field.ident.unraw() == wanted.as_str()) else {
        let known: Vec<_> = fields.iter().map(|field| format!("`{}`", field.ident.unraw())).collect();
        let known =
            if known.is_empty() { "there are none".to_owned() } else { format!("the fields are {}", known.join(", ")) };
        errors.on(named, format!("`subject` names no field of this struct: `{wanted}`; {known}"));
        return None;
    };
    if REPLY_MEMBERS.contains(&field.name.as_str()) {
        errors.on(named, reserved(&field.name, "name another field, or `rename` this one"));
    } else if !field.cfgs.is_empty() {
        errors.on(
            named,
            "the subject is a member of every reply, so its field cannot be under a `cfg`; name another field",
        );
    }
    Some(Subject { name: field.name.clone(), ident: field.ident.clone(), ty: located(&field.ty, named.span()) })
}

fn first_subject(fields: &[WireField], errors: &Errors) -> Option<Subject> {
    let field = fields.first()?;
    if REPLY_MEMBERS.contains(&field.name.as_str()) {
        let remedy = "name another field with `subject = \"…\"`, or `rename` this one";
        errors.on(&field.ident, reserved(&field.name, remedy));
    } else if !field.cfgs.is_empty() {
        errors.on(
            &field.ident,
            "the first field is the subject, a member of every reply, and cannot be under a `cfg`; \
             name another field with `subject = \"…\"`",
        );
    }
    Some(Subject { name: field.name.clone(), ident: field.ident.clone(), ty: field.ty.clone() })
}

fn reserved(name: &str, remedy: &str) -> String {
    let members = REPLY_MEMBERS.map(|member| format!("`{member}`")).join(", ");
    format!("the subject becomes a member of every reply, and `{name}` is reserved (reserved are {members}); {remedy}")
}

/// Returns the type with the location of `span`.
fn located(ty: &Type, span: Span) -> Type {
    syn::parse2(place::at(span, ty.to_token_stream())).unwrap_or_else(|_| ty.clone())
}
