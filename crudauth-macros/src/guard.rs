//! `#[require]` and `#[public]` on a function: finds the principal, judges the form, expands.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    FnArg, GenericArgument, GenericParam, ItemFn, Pat, PathArguments, PathSegment, Type,
    parse_quote,
};

use crate::diag::Cx;
use crate::expand::require::{self as expand, Form};
use crate::features;
use crate::model::{Guard, Proof, last_segment, option_of};
use crate::read;
use crate::tokens::fnv;

/// The whole `#[require]`. `place` distinguishes two functions of the same text.
pub(crate) fn require(arguments: TokenStream, item: &TokenStream, place: &str) -> TokenStream {
    let cx = Cx::default();
    let guard = read::require::require(&cx, &features::transports(), arguments);
    let Some(function) = function(&cx, "`#[require]`", item) else {
        return with_errors(cx, item);
    };
    let site = fnv(&format!("{place}{item}"));
    let out = match form(&cx, &function, &guard) {
        Some((form, authority)) => expand::require(function, &guard, &form, &authority, site),
        None => function.into_token_stream(),
    };
    with_errors(cx, &out)
}

/// The whole `#[public]`.
pub(crate) fn public(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let cx = Cx::default();
    let krate = read::require::public(&cx, arguments);
    let Some(function) = function(&cx, "`#[public]`", item) else {
        return with_errors(cx, item);
    };
    let mut already = false;
    for argument in &function.sig.inputs {
        match argument {
            FnArg::Receiver(receiver) => {
                cx.error_on(
                    receiver,
                    "`#[public]` marks a handler, and a handler has no `self`",
                    "move it out of the method",
                );
            }
            FnArg::Typed(argument) => {
                already |=
                    last_segment(&argument.ty).is_some_and(|segment| segment.ident == "Public");
                if principal(&argument.ty).is_some() {
                    cx.error_on(
                        &argument.ty,
                        "`#[public]` needs nobody, and this handler asks who is signed in",
                        "write `#[require]`, or `Option<Principal<Auth>>` for an optional sign-in",
                    );
                    already = true;
                }
            }
        }
    }
    let out = if already || cx.failed() {
        function.into_token_stream()
    } else {
        expand::public(function, &krate)
    };
    with_errors(cx, &out)
}

fn with_errors(cx: Cx, out: &TokenStream) -> TokenStream {
    let errors = cx.into_tokens();
    quote::quote!(#errors #out)
}

fn function(cx: &Cx, owner: &str, item: &TokenStream) -> Option<ItemFn> {
    if let Ok(function) = syn::parse2(item.clone()) {
        return Some(function);
    }
    if let Ok(method) = syn::parse2::<syn::TraitItemFn>(item.clone()) {
        cx.error_on(&method.sig, format!("{owner} cannot stand on a trait's method: callers and implementations would disagree on its parameters"), "move the check into a function");
    } else {
        let first = item.clone().into_iter().next();
        cx.error_on(
            first,
            format!("{owner} stands on a function"),
            "write it above an `async fn`",
        );
    }
    None
}

/// Finds the principal among the parameters and says everything that is wrong with it.
fn form(cx: &Cx, function: &ItemFn, guard: &Guard) -> Option<(Form, Type)> {
    let mut typed = function
        .sig
        .inputs
        .iter()
        .enumerate()
        .filter_map(|(at, argument)| match argument {
            FnArg::Typed(argument) => Some((at, argument)),
            FnArg::Receiver(_) => None,
        });
    let found = typed.find(|(_, argument)| {
        principal(&argument.ty).is_some() || option_principal(&argument.ty).is_some()
    });
    let Some((at, argument)) = found else {
        return hidden(cx, function, guard);
    };
    if let Some(inner) = option_principal(&argument.ty) {
        cx.error_on(
            &argument.ty,
            "an optional principal proves nothing, because it may be absent",
            format!(
                "write `{}`, or remove `#[require]`",
                crate::diag::spelled(inner)
            ),
        );
        return None;
    }
    let segment = principal(&argument.ty)?;
    let Some(authority) = guard.authority.clone().or_else(|| first_type(segment)) else {
        cx.error_on(
            &argument.ty,
            "`#[require]` cannot see the authority behind this name",
            "write `Principal<Auth>`, or add `auth(Auth)` to `#[require]`",
        );
        return None;
    };
    let reference = matches!(&*argument.ty, Type::Reference(_));
    if let Pat::Struct(_) | Pat::TupleStruct(_) | Pat::Tuple(_) = &*argument.pat {
        cx.error_on(
            &argument.pat,
            "a principal cannot be taken apart, or its proofs could be moved to another identity",
            "give it a name, such as `user`, and use its methods",
        );
        return None;
    }
    if segment.ident == "AccessToken" && !by_token(cx, guard, &authority) {
        return None;
    }
    if reference {
        by_reference(cx, function, guard, argument, at, authority)
    } else {
        by_value(cx, function, argument, at, authority)
    }
}

/// An access token proves scopes, and nothing that only the account knows. Says whether that is all that is asked of it.
fn by_token(cx: &Cx, guard: &Guard, authority: &Type) -> bool {
    let authority = crate::diag::spelled(authority);
    let fix = format!("take `Principal<{authority}>` in place of `AccessToken<{authority}>`");
    let what = |word: &str| format!("an access token alone does not prove {word}, only scopes");
    for proof in &guard.proofs {
        match proof {
            Proof::Scope(_) => {}
            Proof::Superuser(span) => cx.error(*span, what("`superuser`"), &fix),
            Proof::Verified(span) => cx.error(*span, what("`verified`"), &fix),
            Proof::Sudo(sudo) => cx.error(sudo.span, what("`sudo`"), &fix),
            Proof::Transport(name) => cx.error_on(name, what("a transport"), &fix),
            Proof::OwnTransport(path) => cx.error_on(path, what("a transport"), &fix),
            Proof::Check(path) => cx.error_on(path, what("what a function says"), &fix),
            Proof::Gate(path) => cx.error_on(path, what("a gate"), &fix),
        }
    }
    let scope = |proof: &Proof| matches!(proof, Proof::Scope(_));
    guard.proofs.iter().all(scope)
}

fn by_value(
    cx: &Cx,
    function: &ItemFn,
    argument: &syn::PatType,
    at: usize,
    authority: Type,
) -> Option<(Form, Type)> {
    if function.sig.asyncness.is_none() {
        cx.error_on(
            function.sig.fn_token,
            "a principal taken by value makes this a handler, and a handler is `async`",
            "write `async fn`, or take `&Principal<Auth>` to demand the proof of the caller",
        );
        return None;
    }
    if at != 0 {
        cx.error_on(&argument.ty, "the principal must be the first parameter, so that nothing else is read before access is decided", "move it to the front");
        return None;
    }
    Some((Form::Value(at), authority))
}

fn by_reference(
    cx: &Cx,
    function: &ItemFn,
    guard: &Guard,
    argument: &syn::PatType,
    at: usize,
    authority: Type,
) -> Option<(Form, Type)> {
    if let Type::Reference(reference) = &*argument.ty
        && reference.mutability.is_some()
    {
        cx.error_on(
            &argument.ty,
            "a principal is never changed",
            "write `&Principal<Auth>`",
        );
        return None;
    }
    for param in &function.sig.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            cx.error_on(param, "`#[require]` by reference adds hidden type parameters, which cannot stand beside explicit ones", "write `impl Trait` in the parameter's type instead");
            return None;
        }
    }
    let checks: Vec<_> = guard
        .proofs
        .iter()
        .filter_map(|proof| match proof {
            Proof::Check(path) => Some(path),
            _ => None,
        })
        .collect();
    for path in &checks {
        cx.error_on(
            path,
            "`check(…)` belongs to the handler that runs it, so no caller can have proved it",
            "make it a type that implements `Gate`, and name that type in both places",
        );
    }
    checks
        .is_empty()
        .then_some((Form::Reference(at), authority))
}

fn hidden(cx: &Cx, function: &ItemFn, guard: &Guard) -> Option<(Form, Type)> {
    // With the authority named, an alias of `Principal<Auth>` may be the first parameter; it has its own name.
    let first = function.sig.inputs.first();
    let Some(authority) = guard.authority.clone() else {
        cx.error_on(&function.sig.ident, "`#[require]` finds no principal among the parameters", "add `user: Principal<Auth>` as the first one, or name the authority: `#[require(auth(Auth), …)]`");
        return None;
    };
    if let Some(FnArg::Receiver(receiver)) = first {
        cx.error_on(
            receiver,
            "`#[require(auth(…))]` marks a handler, and a handler has no `self`",
            "take `&Principal<Auth>` to demand the proof of the caller",
        );
        return None;
    }
    if function.sig.asyncness.is_none() {
        cx.error_on(
            function.sig.fn_token,
            "a handler is `async`",
            "write `async fn`",
        );
        return None;
    }
    let alias = first.is_some_and(|argument| matches!(argument, FnArg::Typed(argument) if last_segment(&argument.ty).is_some_and(|s| s.ident.to_string().ends_with("Principal"))));
    Some((if alias { Form::Value(0) } else { Form::Hidden }, authority))
}

/// The segment `Principal<…>` of a type taken by value or by reference.
fn principal(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Reference(reference) => principal(&reference.elem),
        _ => last_segment(ty)
            .filter(|segment| segment.ident == "Principal" || segment.ident == "AccessToken"),
    }
}

fn option_principal(ty: &Type) -> Option<&Type> {
    option_of(ty).filter(|inner| principal(inner).is_some())
}

fn first_type(segment: &PathSegment) -> Option<Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(parse_quote!(#ty)),
        _ => None,
    })
}
