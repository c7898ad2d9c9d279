//! What `#[require]` and `#[public]` write: the type of one parameter, and assertions at the words.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::{GenericArgument, Ident, ItemFn, Path, PathArguments, Type, parse_quote};

use crate::model::{Guard, Proof, Sudo};
use crate::tokens::fnv;

/// How the function takes its principal, as `check` found it.
pub(crate) enum Form {
    /// The parameter at this index, by value: a handler.
    Value(usize),
    /// The parameter at this index, by reference: a precondition.
    Reference(usize),
    /// None; the authority is named.
    Hidden,
}

/// Rewrites the function.
pub(crate) fn require(
    mut function: ItemFn,
    guard: &Guard,
    form: &Form,
    authority: &Type,
    site: u64,
) -> TokenStream {
    let krate = &guard.krate;
    match form {
        Form::Value(at) => {
            let proofs = proofs(guard, site);
            if let Some(syn::FnArg::Typed(argument)) = function.sig.inputs.iter_mut().nth(*at) {
                let ty = &argument.ty;
                *argument.ty = parse_quote!(<#ty as #krate::__private::Refine<#proofs>>::Out);
            }
        }
        Form::Hidden => {
            let proofs = proofs(guard, site);
            function.sig.inputs.insert(0, parse_quote!(_: <#krate::__private::Principal<#authority> as #krate::__private::Refine<#proofs>>::Out));
        }
        Form::Reference(at) => demand(&mut function, guard, *at),
    }
    let body = prologue(&function, guard, authority, site);
    function.block.stmts.splice(0..0, body);
    function.into_token_stream()
}

/// Nested pairs in canonical order.
fn proofs(guard: &Guard, site: u64) -> TokenStream {
    guard.proofs.iter().rev().fold(quote!(()), |rest, proof| {
        let proof = self::proof(&guard.krate, proof, site);
        quote!((#proof, #rest))
    })
}

fn proof(krate: &Path, proof: &Proof, site: u64) -> TokenStream {
    let p = quote!(#krate::__private);
    match proof {
        Proof::Transport(name) => {
            let (module, marker) = transport(name);
            quote!(#p::Via<#p::#module::#marker>)
        }
        Proof::OwnTransport(path) => quote!(#p::ViaOwn<#path>),
        Proof::Scope(scope) => {
            let number = fnv(&scope.value());
            quote!(#p::Scoped<#number>)
        }
        Proof::Superuser(_) => quote!(#p::Superuser),
        Proof::Verified(_) => quote!(#p::Verified),
        Proof::Sudo(sudo) if sudo.is_refined() => refined(&p, sudo),
        Proof::Sudo(_) => quote!(#p::sudo::Sudo),
        Proof::Check(_) => quote!(#p::Check<#site>),
        Proof::Gate(path) => quote!(#p::By<#path>),
    }
}

/// `SudoWithin<120, { PASSWORD }>`, from which plain `Sudo` follows.
fn refined(p: &TokenStream, sudo: &Sudo) -> TokenStream {
    let secs = sudo
        .within
        .map_or_else(|| quote!({ #p::sudo::EVER }), |secs| quote!(#secs));
    let ways = sudo.by.iter().map(|way| {
        let way = Ident::new(&way.to_string().to_uppercase(), Span::mixed_site());
        quote!(#p::sudo::#way)
    });
    let by = if sudo.by.is_empty() {
        quote!({ #p::sudo::ANY })
    } else {
        quote!({ #(#ways)|* })
    };
    quote!(#p::sudo::SudoWithin<#secs, #by>)
}

/// The runtime's module of a transport, and the marker type in it: `session::Session`.
fn transport(name: &Ident) -> (Ident, Ident) {
    let text = name.to_string();
    let marker: String = text
        .split('_')
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars)
        })
        .collect();
    (
        Ident::new(&text, Span::mixed_site()),
        Ident::new(&marker, Span::mixed_site()),
    )
}

/// By reference: generic over the list of proofs, which must contain the named ones.
fn demand(function: &mut ItemFn, guard: &Guard, at: usize) {
    let krate = &guard.krate;
    let list = format_ident!("__Proofs", span = Span::mixed_site());
    if let Some(syn::FnArg::Typed(argument)) = function.sig.inputs.iter_mut().nth(at)
        && let Type::Reference(reference) = &mut *argument.ty
        && let Type::Path(path) = &mut *reference.elem
        && let Some(segment) = path.path.segments.last_mut()
        && let PathArguments::AngleBracketed(arguments) = &mut segment.arguments
    {
        arguments
            .args
            .push(GenericArgument::Type(parse_quote!(#list)));
    }
    function.sig.generics.params.push(parse_quote!(#list));
    for (n, (bound, wanted)) in demands(guard).into_iter().enumerate() {
        let index = format_ident!("__I{n}", span = Span::mixed_site());
        function.sig.generics.params.push(parse_quote!(#index));
        function
            .sig
            .generics
            .make_where_clause()
            .predicates
            .push(parse_quote!(#list: #krate::__private::#bound<#wanted, #index>));
    }
}

/// What the list must contain, and the bound that says so. Of a stricter `sudo` the plain one too, which the function may hand on.
fn demands(guard: &Guard) -> Vec<(TokenStream, TokenStream)> {
    let krate = &guard.krate;
    let mut all = Vec::new();
    for wanted in &guard.proofs {
        if let Proof::Sudo(sudo) = wanted
            && sudo.is_refined()
        {
            all.push((quote!(Proves), quote!(#krate::__private::sudo::Sudo)));
        }
        all.push(match wanted {
            Proof::Scope(scope) => (quote!(ProvesScope), fnv(&scope.value()).to_token_stream()),
            wanted => (quote!(Proves), proof(krate, wanted, 0)),
        });
    }
    all
}

/// Items at the top of the body: an `impl` cannot hold them, and statements there would push the user's own items
/// behind a statement, which clippy reports.
fn prologue(function: &ItemFn, guard: &Guard, authority: &Type, site: u64) -> Vec<syn::Stmt> {
    let krate = &guard.krate;
    let mut body: Vec<syn::Stmt> = Vec::new();
    for proof in &guard.proofs {
        if let Proof::Check(path) = proof {
            body.push(parse_quote! {
                #[allow(non_local_definitions)]
                #[automatically_derived]
                impl #krate::__private::CheckSite<#site> for #authority {
                    fn check(principal: &#krate::__private::Principal<Self>) -> #krate::__private::BoxFuture<'_, #krate::__private::Verdict> {
                        ::std::boxed::Box::pin(#krate::__private::verdict(#path(principal)))
                    }
                }
            });
        }
    }
    // An item sees neither the function's type parameters nor `Self`.
    let of_function = function
        .sig
        .generics
        .type_params()
        .any(|param| mentions(authority, &param.ident.to_string()));
    let inside = of_function || mentions(authority, "Self");
    let needs: Vec<_> = guard
        .proofs
        .iter()
        .filter_map(|proof| need(krate, proof, authority, inside))
        .collect();
    if needs.is_empty() {
        return body;
    }
    if inside {
        body.extend(
            needs
                .into_iter()
                .map(|need| -> syn::Stmt { parse_quote!(#need;) }),
        );
    } else {
        body.push(parse_quote! {
            const _: fn() = || {
                #(#needs;)*
            };
        });
    }
    body
}

/// `inside`: it stands among the function's statements, where items see nothing of it.
fn need(krate: &Path, proof: &Proof, authority: &Type, inside: bool) -> Option<TokenStream> {
    let p = quote!(#krate::__private);
    let (at, call) = match proof {
        Proof::Transport(name) => {
            let need = format_ident!("need_transport_{name}", span = Span::mixed_site());
            (name.span(), quote!(#p::#need::<#authority>()))
        }
        Proof::OwnTransport(path) => (path.span(), quote!(#p::need_mounted::<#path, #authority>())),
        Proof::Scope(scope) => {
            let need = quote!(#p::need_scope::<#authority>(#scope));
            (scope.span(), evaluated(&need, inside))
        }
        Proof::Superuser(span) => (*span, quote!(#p::need_superuser::<#authority>())),
        Proof::Verified(span) => (*span, quote!(#p::need_verified::<#authority>())),
        Proof::Sudo(sudo) => match sudo.within {
            // Says that `#[sudo]` is missing, too.
            Some(secs) => {
                let need = quote!(#p::sudo::within::<#authority>(#secs));
                (sudo.span, evaluated(&need, inside))
            }
            None => (sudo.span, quote!(#p::need_sudo::<#authority>())),
        },
        Proof::Check(_) => return None,
        Proof::Gate(path) => (path.span(), quote!(#p::need_gate::<#path, #authority>())),
    };
    Some(located(call, at))
}

/// A call that the compiler makes. A constant is evaluated although nobody calls what it stands in.
fn evaluated(call: &TokenStream, inside: bool) -> TokenStream {
    if inside {
        quote!(const { #call })
    } else {
        quote!({ const _: () = #call; })
    }
}

/// The same tokens, with the same meaning, standing at `at`: the compiler blames the word, not the authority.
fn located(tokens: TokenStream, at: Span) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = TokenTree::Group(Group::new(group.delimiter(), located(group.stream(), at)));
        }
        token.set_span(token.span().located_at(at));
        token
    });
    moved.collect()
}

fn mentions(ty: &Type, word: &str) -> bool {
    fn within(tokens: TokenStream, word: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == word,
            TokenTree::Group(group) => within(group.stream(), word),
            _ => false,
        })
    }
    within(ty.to_token_stream(), word)
}

/// `#[public]`: a hidden first parameter that says so.
pub(crate) fn public(mut function: ItemFn, krate: &Path) -> TokenStream {
    function
        .sig
        .inputs
        .insert(0, parse_quote!(_: #krate::__private::Public));
    function.into_token_stream()
}
