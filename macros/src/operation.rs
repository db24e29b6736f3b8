//! `#[ws_operation]`: checks the attribute and its function, and returns a valid operation.

use proc_macro2::{Span, TokenStream};
use syn::{
    FnArg, GenericArgument, Ident, ItemFn, LitStr, Path, PathArguments, ReturnType, Safety, Signature, Type, Visibility,
};

use crate::{
    args::{self, Args, Word},
    channel::runtime,
    docs::Docs,
    errors::Errors,
    message_type,
};

const WORDS: &[Word] = &[args::NAME, args::REPLY, args::TAGS, args::SUMMARY, args::CRATE];

const FORM: &str = "an operation is `async fn(&Cx<'_, App>, Payload) -> Result<Reply, Refusal>`, \
                    or the same without a payload";

/// A checked operation; only [`check`] creates one.
pub(crate) struct Operation {
    pub(crate) runtime: Path,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) name: LitStr,
    pub(crate) docs: Docs,
    /// The state of the application, if `Cx` names one.
    pub(crate) state: Option<Type>,
    pub(crate) payload: Option<Type>,
    /// The name and type of the reply.
    pub(crate) reply: Option<(LitStr, Type)>,
}

/// The parts of a faulty declaration that its fallback needs.
pub(crate) struct Faulty {
    pub(crate) runtime: Path,
    pub(crate) errors: TokenStream,
}

/// The types in the function's signature.
struct Types {
    state: Option<Type>,
    payload: Option<Type>,
    reply: Type,
}

/// Reads and checks a declaration.
pub(crate) fn check(arguments: TokenStream, function: &ItemFn) -> Result<Operation, Faulty> {
    let errors = Errors::new();
    let mut args = Args::read(arguments, WORDS, &errors);
    let runtime = runtime(&mut args);
    let docs = Docs::read(&mut args, &function.attrs);
    let name = args.text(&args::NAME);
    match &name {
        Some(name) => message_type::check_operation(name, "operation", &errors),
        None if args.has(&args::NAME) => {}
        None => errors
            .at(Span::call_site(), "the name of the operation is missing, as in `#[ws_operation(\"orders.place\")]`"),
    }
    let reply_name = args.text(&args::REPLY);
    if let Some(reply) = &reply_name {
        message_type::check_operation(reply, "reply", &errors);
        if name.as_ref().is_some_and(|name| name.value() == reply.value()) {
            errors.on(
                reply,
                "the reply has the same name as the operation; give it another, for example with `.response`",
            );
        }
    }
    let types = types(&function.sig, &errors);
    if let Some(types) = &types
        && !args.has(&args::REPLY)
        && !is_unit(&types.reply)
    {
        let name = name.as_ref().map_or_else(|| "…".to_owned(), LitStr::value);
        errors.on(
            &types.reply,
            format!("a reply needs a name: add `reply = \"{name}.response\"`, or return `Result<(), Refusal>`"),
        );
    }
    let checked = errors.check();
    let faulty = |errors| Faulty { runtime: runtime.clone(), errors };
    checked.map_err(faulty)?;
    let (Some(name), Some(types)) = (name, types) else { return Err(faulty(TokenStream::new())) };
    Ok(Operation {
        runtime,
        vis: function.vis.clone(),
        ident: function.sig.ident.clone(),
        name,
        docs,
        state: types.state,
        payload: types.payload,
        reply: reply_name.map(|name| (name, types.reply)),
    })
}

/// Reads the signature. Returns `None` after reporting an error that hides one of the types.
fn types(signature: &Signature, errors: &Errors) -> Option<Types> {
    if let Some(receiver) = signature.receiver() {
        errors.on(receiver, format!("this is a method; {FORM}, outside of any `impl`"));
        return None;
    }
    if signature.asyncness.is_none() {
        errors.at(signature.fn_token.span, format!("this function is not `async`; {FORM}"));
    }
    if let Safety::Unsafe(keyword) = &signature.safety {
        errors.on(keyword, "an operation cannot be `unsafe`, because clients call it; remove `unsafe`");
    }
    if !signature.generics.params.is_empty() {
        errors.on(
            &signature.generics,
            "an operation cannot be generic, because its name stands for one function; name the types and elide the lifetimes",
        );
        return None;
    }
    let mut inputs = signature.inputs.iter();
    let state = match inputs.next() {
        Some(FnArg::Typed(context)) => state(&context.ty, errors),
        _ => {
            errors.at(signature.paren_token.span.join(), format!("the context is missing; {FORM}"));
            None
        }
    };
    let payload = inputs.next().and_then(|payload| match payload {
        FnArg::Typed(payload) => Some((*payload.ty).clone()),
        FnArg::Receiver(_) => None,
    });
    if let Some(payload) = &payload {
        check_payload(payload, errors);
    }
    if let Some(third) = inputs.next() {
        errors.on(third, format!("this argument is one too many; {FORM}; declare one struct for the whole payload"));
    }
    let reply = reply(signature, errors);
    Some(Types { state: state?, payload, reply: reply? })
}

fn check_payload(payload: &Type, errors: &Errors) {
    match payload {
        Type::Reference(reference) => {
            errors
                .on(reference, format!("a payload cannot be a reference, because it is decoded for the call; {FORM}"));
        }
        Type::ImplTrait(any) => {
            errors.on(any, format!("a payload cannot be `impl Trait`, because it is one type; {FORM}"));
        }
        _ => {}
    }
}

/// Returns the `App` of `&Cx<'_, App>`. The inner `None` represents `Cx<'_>`.
#[expect(clippy::option_option, reason = "the outer one is an error, the inner one an absent state")]
fn state(context: &Type, errors: &Errors) -> Option<Option<Type>> {
    let cx = match context {
        Type::Reference(reference) if reference.mutability.is_none() => match &*reference.elem {
            Type::Path(path) => path.path.segments.last().filter(|segment| segment.ident == "Cx"),
            _ => None,
        },
        _ => None,
    };
    let Some(cx) = cx else {
        errors.on(context, format!("the first argument is the context, `&Cx<'_, App>`; {FORM}"));
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &cx.arguments else { return Some(None) };
    Some(arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    }))
}

/// Returns the `Reply` of `Result<Reply, Refusal>`.
fn reply(signature: &Signature, errors: &Errors) -> Option<Type> {
    let ReturnType::Type(_, output) = &signature.output else {
        errors.on(&signature.ident, format!("this function returns nothing; {FORM}, with `()` for no reply"));
        return None;
    };
    let result = match &**output {
        Type::Path(path) => path.path.segments.last().filter(|segment| segment.ident == "Result"),
        _ => None,
    };
    let reply = result.and_then(|result| match &result.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(ty) => Some(ty.clone()),
            _ => None,
        },
        _ => None,
    });
    if reply.is_none() {
        errors.on(output, format!("this is not a `Result<Reply, Refusal>`; {FORM}"));
    }
    reply
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
