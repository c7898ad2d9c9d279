//! Proofs: what `#[require(…)]` obtains by value and demands by reference.

use std::future::{Future, Ready, ready};
use std::marker::PhantomData;

use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either};

use crate::account::AuthUser;
use crate::authority::Authority;
use crate::http::problem::Problem;
use crate::principal::Principal;
use crate::store::patience;
use crate::transport::OwnTransport;

/// What a gate says.
#[derive(Debug)]
pub enum Verdict {
    /// Go on.
    Allowed,
    /// 403 `Access denied`.
    Denied,
    /// This answer, as it is.
    Answer(Box<Response>),
}

impl From<bool> for Verdict {
    fn from(allowed: bool) -> Self {
        if allowed { Self::Allowed } else { Self::Denied }
    }
}

impl<E: IntoResponse> From<Result<(), E>> for Verdict {
    fn from(result: Result<(), E>) -> Self {
        result.map_or_else(
            |error| Self::Answer(Box::new(error.into_response())),
            |()| Self::Allowed,
        )
    }
}

impl<E: IntoResponse> From<Result<bool, E>> for Verdict {
    fn from(result: Result<bool, E>) -> Self {
        result.map_or_else(
            |error| Self::Answer(Box::new(error.into_response())),
            Self::from,
        )
    }
}

/// A gate of the application: a type that `#[require(gates::Staff)]` names.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::guard::{Gate, Verdict};
/// use crudauth::{Authority, Principal};
///
/// pub struct Staff;
///
/// impl<A: Authority> Gate<A> for Staff {
///     async fn check(principal: &Principal<A>) -> Verdict {
///         Verdict::from(principal.is_superuser())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a gate that `#[require]` can check for `{A}`",
    label = "not a gate",
    note = "write `impl crudauth::Gate<{A}> for {Self} {{ async fn check(principal: &Principal<{A}>) -> Verdict {{ … }} }}`"
)]
pub trait Gate<A: Authority>: 'static {
    /// Judges the caller. Runs after the built-in guards and before the body is read.
    fn check(principal: &Principal<A>) -> impl Future<Output = Verdict> + Send;
}

/// What a check found, at once or in time.
pub type Checked<'a, E = Response> = Either<Ready<Result<(), E>>, BoxFuture<'a, Result<(), E>>>;

/// A fact about a principal that can be checked when a request comes in.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be proved by a principal of `{A}`")]
pub trait Proof<A: Authority>: 'static {
    /// How the route table says it.
    fn label() -> String;
    /// The one transport that counts, if it matters.
    #[must_use]
    fn transport() -> Option<&'static str> {
        None
    }
    /// Checks it.
    fn check<'a>(auth: &'a A, principal: &'a Principal<A>) -> Checked<'a>;
}

/// A list of proofs, in the order in which they are checked.
pub trait Proofs<A: Authority>: 'static {
    /// How the route table says them.
    fn labels() -> Vec<String>;
    /// The one transport that counts, if it matters.
    fn transport() -> Option<&'static str>;
    /// Checks them in order.
    fn check(
        auth: &A,
        principal: &Principal<A>,
    ) -> impl Future<Output = Result<(), Response>> + Send;
}

impl<A: Authority> Proofs<A> for () {
    fn labels() -> Vec<String> {
        Vec::new()
    }
    fn transport() -> Option<&'static str> {
        None
    }
    async fn check(_: &A, _: &Principal<A>) -> Result<(), Response> {
        Ok(())
    }
}

impl<A: Authority, H: Proof<A>, T: Proofs<A>> Proofs<A> for (H, T) {
    fn labels() -> Vec<String> {
        let mut labels = vec![H::label()];
        labels.extend(T::labels());
        labels
    }
    fn transport() -> Option<&'static str> {
        H::transport().or_else(T::transport)
    }
    async fn check(auth: &A, principal: &Principal<A>) -> Result<(), Response> {
        H::check(auth, principal).await?;
        T::check(auth, principal).await
    }
}

fn held(holds: bool, problem: Problem) -> Checked<'static> {
    Either::Left(ready(if holds {
        Ok(())
    } else {
        Err(problem.into_response())
    }))
}

#[expect(
    clippy::result_large_err,
    reason = "an answer is what a guard gives; it is made once per refusal"
)]
fn judged(verdict: Verdict) -> Result<(), Response> {
    match verdict {
        Verdict::Allowed => Ok(()),
        Verdict::Denied => Err(Problem::AccessDenied.into_response()),
        Verdict::Answer(answer) => Err(*answer),
    }
}

/// What a check of the application's says, which waits for the database as long as a request of its own.
fn judging<'a>(check: impl Future<Output = Verdict> + Send + 'a) -> Checked<'a> {
    Either::Right(Box::pin(
        async move { judged(patience::afresh(check).await) },
    ))
}

/// The account is a superuser. For an account without that column it never holds; the macro says so at the word.
#[derive(Debug)]
pub struct Superuser;

impl<A: Authority> Proof<A> for Superuser {
    fn label() -> String {
        "superuser".to_owned()
    }
    fn check<'a>(_: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        held(
            principal.user().account().is_superuser,
            Problem::InsufficientPrivileges,
        )
    }
}

/// The account's address is proven. For an account without that column it never holds; the macro says so at the word.
#[derive(Debug)]
pub struct Verified;

impl<A: Authority> Proof<A> for Verified {
    fn label() -> String {
        "verified".to_owned()
    }
    fn check<'a>(_: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        held(
            principal.user().account().verified == Some(true),
            Problem::NotVerified,
        )
    }
}

/// A transport that a guard can name.
pub trait TransportName: 'static {
    /// As `transport(…)` names it.
    const NAME: &'static str;
}

/// The request was authenticated by transport `T`.
#[derive(Debug)]
pub struct Via<T>(PhantomData<T>);

impl<A: Authority, T: TransportName> Proof<A> for Via<T> {
    fn label() -> String {
        format!("transport({})", T::NAME)
    }
    fn transport() -> Option<&'static str> {
        Some(T::NAME)
    }
    fn check<'a>(_: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        held(principal.transport() == T::NAME, Problem::NotAuthenticated)
    }
}

/// The request was authenticated by the application's own transport `T`.
#[derive(Debug)]
pub struct ViaOwn<T>(PhantomData<T>);

impl<A: Authority, T: OwnTransport<A>> Proof<A> for ViaOwn<T> {
    fn label() -> String {
        format!("transport({})", T::NAME)
    }
    fn transport() -> Option<&'static str> {
        Some(T::NAME)
    }
    fn check<'a>(_: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        held(principal.transport() == T::NAME, Problem::NotAuthenticated)
    }
}

/// The credential has the scope whose [`scope_number`] is `N`: a text cannot stand in a type. The macro says at the word when
/// the block declares no such scope.
#[derive(Debug)]
pub struct Scoped<const N: u64>;

impl<const N: u64> Scoped<N> {
    fn among(scopes: &[&str]) -> bool {
        scopes.iter().any(|scope| scope_number(scope) == N)
    }
}

impl<A: Authority, const N: u64> Proof<A> for Scoped<N> {
    fn label() -> String {
        let scope = A::SCOPES.iter().find(|scope| scope_number(scope) == N);
        format!("scope({})", scope.unwrap_or(&"?"))
    }
    fn check<'a>(_: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        held(Self::among(principal.scopes()), Problem::InsufficientScope)
    }
}

/// A number for a scope, the same in every build (FNV-1a). [`Authority::SCOPES`] has no two of one number.
#[must_use]
pub const fn scope_number(scope: &str) -> u64 {
    let bytes = scope.as_bytes();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        rest = tail;
    }
    hash
}

/// Proofs that an access token gives by itself, without its account: scopes.
#[diagnostic::on_unimplemented(
    message = "an access token alone cannot prove this for `{A}`",
    label = "this needs the account",
    note = "take `Principal<{A}>` in place of `AccessToken<{A}>`"
)]
pub trait TokenProofs<A: Authority>: Proofs<A> {
    /// Checks them against what the token says.
    ///
    /// # Errors
    /// The answer to a token that does not prove them.
    fn check_token(scopes: &[&str]) -> Result<(), Problem>;
}

impl<A: Authority> TokenProofs<A> for () {
    fn check_token(_: &[&str]) -> Result<(), Problem> {
        Ok(())
    }
}

impl<A: Authority, const N: u64, T: TokenProofs<A>> TokenProofs<A> for (Scoped<N>, T) {
    fn check_token(scopes: &[&str]) -> Result<(), Problem> {
        if !Scoped::<N>::among(scopes) {
            return Err(Problem::InsufficientScope);
        }
        T::check_token(scopes)
    }
}

/// The gate `G` let the caller pass.
#[derive(Debug)]
pub struct By<G>(PhantomData<G>);

impl<A: Authority, G: Gate<A>> Proof<A> for By<G> {
    fn label() -> String {
        let name = std::any::type_name::<G>();
        name.rsplit("::").next().unwrap_or(name).to_owned()
    }
    fn check<'a>(_: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        judging(G::check(principal))
    }
}

/// The function that stands in `check(…)` at one place in the source. The macro implements it beside the handler,
/// because a path to a function cannot stand in a type.
pub trait CheckSite<const SITE: u64>: Authority {
    /// Calls it.
    fn check(principal: &Principal<Self>) -> BoxFuture<'_, Verdict>;
}

/// The function at `SITE` let the caller pass.
#[derive(Debug)]
pub struct Check<const SITE: u64>;

impl<A: CheckSite<SITE>, const SITE: u64> Proof<A> for Check<SITE> {
    fn label() -> String {
        "check".to_owned()
    }
    fn check<'a>(_: &'a A, principal: &'a Principal<A>) -> Checked<'a> {
        judging(A::check(principal))
    }
}

/// What a checking function may return: `bool`, `Result<(), E>`, `Result<bool, E>`, [`Verdict`], or a future of one.
#[diagnostic::on_unimplemented(
    message = "a function in `check(…)` cannot return `{Self}`",
    note = "return `bool`, `Result<(), E>` or `Result<bool, E>` where `E: IntoResponse`, or be an async function that does"
)]
pub trait CheckOutput<M>: Send {
    /// Brings it into one form.
    fn verdict(self) -> impl Future<Output = Verdict> + Send;
}

/// Marks a function that answers at once.
#[derive(Debug)]
pub struct Sync;
/// Marks a function that answers in time.
#[derive(Debug)]
pub struct Async;

impl<T: Into<Verdict> + Send> CheckOutput<Sync> for T {
    async fn verdict(self) -> Verdict {
        self.into()
    }
}

impl<F: Future<Output: Into<Verdict>> + Send> CheckOutput<Async> for F {
    async fn verdict(self) -> Verdict {
        self.await.into()
    }
}

/// Brings what a checking function returned into one form.
pub async fn verdict<M, T: CheckOutput<M>>(output: T) -> Verdict {
    output.verdict().await
}

/// A list of proofs that has `T` in it, at the place `Index`, which the compiler finds.
#[diagnostic::on_unimplemented(
    message = "this principal does not prove `{T}`",
    label = "not proved here",
    note = "obtain the proof in the handler with `#[require(…)]`, or demand it of your own caller the same way"
)]
pub trait Proves<T, Index> {}

/// At the head of the list.
#[derive(Debug)]
pub struct Here;
/// Further down.
#[derive(Debug)]
pub struct There<I>(PhantomData<I>);

impl<T, Rest> Proves<T, Here> for (T, Rest) {}
impl<T, Head, Rest: Proves<T, I>, I> Proves<T, There<I>> for (Head, Rest) {}

/// A list of proofs that has the scope whose [`scope_number`] is `N` in it: [`Proves`], in words of its own, because a number
/// tells nobody which scope it is.
#[diagnostic::on_unimplemented(
    message = "this principal does not prove the scope that is demanded here",
    label = "not proved here",
    note = "obtain it in the handler with `#[require(scope(\"…\"))]`, or demand it of your own caller the same way"
)]
pub trait ProvesScope<const N: u64, Index> {}

impl<const N: u64, Rest> ProvesScope<N, Here> for (Scoped<N>, Rest) {}
impl<const N: u64, Head, Rest: ProvesScope<N, I>, I> ProvesScope<N, There<I>> for (Head, Rest) {}

/// A principal type that `#[require]` can refine in place.
pub trait Refine<P> {
    /// The same principal, proving `P`.
    type Out;
}

impl<A: Authority, P> Refine<P> for Principal<A> {
    type Out = Principal<A, P>;
}
