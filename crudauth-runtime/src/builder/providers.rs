//! What a builder must be given for `#[oauth(…)]`, as types: the providers whose credentials are missing, by name.

use std::fmt;
use std::marker::PhantomData;

use super::wiring::{Given, Undeclared};

/// How far the wiring of `#[oauth(…)]` has come: its URL, the list of the built-in providers whose credentials are missing, and how
/// many are missing of `oidc("…")` and of `provider("…")`.
pub struct Providers<U, L, N = Zero, P = Zero>(PhantomData<fn(U, L, N, P)>);

/// The block declares `#[oauth(…)]`, and the URL of its routes has not been given.
#[derive(Debug, Clone, Copy)]
pub struct NeedsUrl;

/// The block declares the provider, and its credentials have not been given.
pub struct Needs<P>(PhantomData<fn(P)>);

/// None is missing.
#[derive(Debug, Clone, Copy)]
pub struct Zero;

/// One more is missing.
pub struct More<N>(PhantomData<fn(N)>);

/// The head of the list. The compiler finds out where in it a provider is, so that they are given in any order.
#[derive(Debug, Clone, Copy)]
pub struct Here;

/// Further behind in the list.
pub struct There<I>(PhantomData<fn(I)>);

macro_rules! debug {
    ($($name:ident<$($parameter:ident),+>)*) => {$(
        impl<$($parameter),+> fmt::Debug for $name<$($parameter),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
debug! { Providers<U, L, N, P> Needs<P> More<N> There<I> }

/// The built-in providers, spelled as the block spells them and as the builder's methods are called: the compiler's messages
/// name these types, and so say what to write.
pub mod word {
    macro_rules! words {
        ($($name:ident: $doc:literal;)*) => {$(
            #[doc = $doc]
            #[expect(non_camel_case_types, reason = "what is to be written")]
            #[derive(Debug, Clone, Copy)]
            pub struct $name;
        )*};
    }
    words! {
        google: "Google.";
        github: "GitHub.";
        microsoft: "Microsoft.";
        apple: "Apple.";
        gitlab: "GitLab.";
        discord: "Discord.";
    }
}

/// Nothing is missing of the providers.
#[diagnostic::on_unimplemented(message = "`{Self}` is not the wiring of providers")]
pub trait ProvidersComplete {}

impl ProvidersComplete for Undeclared {}

impl<U, L, N, P> ProvidersComplete for Providers<U, L, N, P>
where
    U: UrlComplete,
    L: BuiltInComplete,
    N: OidcComplete,
    P: OwnComplete,
{
}

/// The URL is there.
#[diagnostic::on_unimplemented(
    message = "the block declares `#[oauth(…)]`, and this builder was not given the URL to which providers send people back",
    label = "call `.public_url(…)` before this",
    note = "`.public_url(…)` takes the URL under which `auth.router()` is mounted, such as \"https://app.example.com\""
)]
pub trait UrlComplete {}

impl UrlComplete for Given {}

/// The credentials of all built-in providers are there.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a list of providers")]
pub trait BuiltInComplete {}

impl BuiltInComplete for () {}
impl<P: CredentialsGiven, L: BuiltInComplete> BuiltInComplete for (Needs<P>, L) {}

/// The credentials of a provider are there. Of no provider that is still in the list.
#[diagnostic::on_unimplemented(
    message = "the block declares `{Self}`, and this builder was not given the credentials that `{Self}` gave the application",
    label = "call `.{Self}(…)` before this",
    note = "it takes `crudauth::oauth::Credentials`, such as `Credentials::new(client_id, client_secret)`"
)]
pub trait CredentialsGiven {}

/// Every `oidc("…")` of the block is there.
#[diagnostic::on_unimplemented(
    message = "the block declares an `oidc(\"…\")` of which this builder was not given the issuer and the credentials",
    label = "call `.oidc(\"…\", …)` before this, once for each",
    note = "it takes the name and `Credentials::new(client_id, client_secret).issuer(\"https://…\")`"
)]
pub trait OidcComplete {}

impl OidcComplete for Zero {}

/// Every `provider("…")` of the block is there.
#[diagnostic::on_unimplemented(
    message = "the block declares a `provider(\"…\")` of which this builder was not told what it is",
    label = "call `.provider(\"…\", …, …)` before this, once for each",
    note = "it takes the name, a value that implements `crudauth::oauth::OAuthProvider`, and `crudauth::oauth::Credentials`"
)]
pub trait OwnComplete {}

impl OwnComplete for Zero {}

/// Providers are declared.
#[diagnostic::on_unimplemented(
    message = "the block does not declare `#[oauth(…)]`, so no provider is ever asked",
    label = "nothing would use this",
    note = "write `#[oauth(google)]` in the block, or remove this call"
)]
pub trait SignsInElsewhere {}

impl<U, L, N, P> SignsInElsewhere for Providers<U, L, N, P> {}

/// Where the wiring is once the URL was given. Of every wiring, and so apart from [`SignsInElsewhere`]: that one is then what a
/// builder without providers is told to lack.
pub trait AfterUrl {
    /// With the URL.
    type With;
}

impl<U, L, N, P> AfterUrl for Providers<U, L, N, P> {
    type With = Providers<Given, L, N, P>;
}
impl AfterUrl for Undeclared {
    type With = Self;
}

/// The credentials of `P` are waited for, at place `I` of the list.
#[diagnostic::on_unimplemented(
    message = "the block does not declare `{P}`, or this builder has its credentials already",
    label = "nothing would use this",
    note = "write `#[oauth({P})]` in the block, or remove this call"
)]
pub trait Awaits<P, I> {}

impl<P, L> Awaits<P, Here> for (Needs<P>, L) {}
impl<P, Q, L: Awaits<P, I>, I> Awaits<P, There<I>> for (Needs<Q>, L) {}
impl<P, I, U, L: Awaits<P, I>, N, O> Awaits<P, I> for Providers<U, L, N, O> {}

/// What is missing once they were given. Of every wiring, like [`AfterUrl`].
pub trait After<P, I> {
    /// What is missing then.
    type Rest;
}

impl<P, L> After<P, Here> for (Needs<P>, L) {
    type Rest = L;
}
impl<P, Q, L: After<P, I>, I> After<P, There<I>> for (Needs<Q>, L) {
    type Rest = (Needs<Q>, L::Rest);
}
impl<P, I> After<P, I> for () {
    type Rest = ();
}
impl<P, I, U, L: After<P, I>, N, O> After<P, I> for Providers<U, L, N, O> {
    type Rest = Providers<U, L::Rest, N, O>;
}
impl<P, I> After<P, I> for Undeclared {
    type Rest = Self;
}

/// An `oidc("…")` is waited for.
#[diagnostic::on_unimplemented(
    message = "the block does not declare so many `oidc(\"…\")`",
    label = "nothing would use this",
    note = "write `#[oauth(oidc(\"…\"))]` in the block with this name, or remove this call"
)]
pub trait AwaitsOidc {}

impl<U, L, N, P> AwaitsOidc for Providers<U, L, More<N>, P> {}

/// What is missing once one was given. Of every wiring, like [`AfterUrl`].
pub trait AfterOidc {
    /// What is missing then.
    type Rest;
}

impl<U, L, N, P> AfterOidc for Providers<U, L, More<N>, P> {
    type Rest = Providers<U, L, N, P>;
}
impl<U, L, P> AfterOidc for Providers<U, L, Zero, P> {
    type Rest = Self;
}
impl AfterOidc for Undeclared {
    type Rest = Self;
}

/// A `provider("…")` is waited for.
#[diagnostic::on_unimplemented(
    message = "the block does not declare so many `provider(\"…\")`",
    label = "nothing would use this",
    note = "write `#[oauth(provider(\"…\"))]` in the block with this name, or remove this call"
)]
pub trait AwaitsOwn {}

impl<U, L, N, P> AwaitsOwn for Providers<U, L, N, More<P>> {}

/// What is missing once one was given. Of every wiring, like [`AfterUrl`].
pub trait AfterOwn {
    /// What is missing then.
    type Rest;
}

impl<U, L, N, P> AfterOwn for Providers<U, L, N, More<P>> {
    type Rest = Providers<U, L, N, P>;
}
impl<U, L, N> AfterOwn for Providers<U, L, N, Zero> {
    type Rest = Self;
}
impl AfterOwn for Undeclared {
    type Rest = Self;
}
