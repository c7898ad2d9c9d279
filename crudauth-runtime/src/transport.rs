//! Transports of the application's own.

use std::fmt;
use std::future::Future;

pub use axum::http::request::Parts;

use crate::account::AuthUser;
use crate::authority::{Authority, Transport, engine};
use crate::http::problem::Problem;
use crate::principal::Resolved;

/// A way of the application's own in which a request proves who sends it, such as an API key in a header. A block that says
/// `#[transport(ApiKeys)]` asks it in the place of that line among the other transports; the first that finds a credential
/// wins.
///
/// ```
/// # mod crudauth {
/// #     pub use crudauth_runtime::{Authority, http::problem::Problem, transport};
/// # }
/// use crudauth::transport::{Caller, OwnTransport, Parts};
/// use crudauth::{Authority, Problem};
///
/// pub struct ApiKeys;
///
/// # async fn owner<A: Authority>(_: &A, _: &str) -> Option<A::User> { None }
/// impl<A: Authority> OwnTransport<A> for ApiKeys {
///     const NAME: &'static str = "api_key";
///
///     async fn authenticate(auth: &A, parts: &Parts) -> Result<Option<Caller<A>>, Problem> {
///         let Some(key) = parts.headers.get("x-api-key") else {
///             return Ok(None); // no credential of ours: the next transport is asked
///         };
///         let key = key.to_str().map_err(|_| Problem::InvalidToken)?;
///         match owner(auth, key).await {
///             Some(user) => Ok(Some(Caller::new(user).scopes(["reports:read"]))),
///             None => Err(Problem::InvalidToken), // there, and bad: nobody else is asked
///         }
///     }
/// }
/// ```
///
/// # Security
/// Keep the credential hashed, look it up by its digest, and compare in constant time what is not looked up. A credential that
/// browsers send by themselves (a cookie, client certificates) needs protection against cross-site requests, which this
/// transport does not get: only `session` asks for the CSRF token.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport of `{A}`",
    label = "no transport",
    note = "write `impl crudauth::transport::OwnTransport<{A}> for {Self} {{ const NAME: &'static str = \"…\"; async fn authenticate(…) … }}`"
)]
pub trait OwnTransport<A: Authority>: 'static {
    /// As principals and the route table name it; unlike any other transport's of the block.
    const NAME: &'static str;

    /// Finds the account behind a request's credential: `None` where there is no credential of this kind, or a genuine one
    /// that is over; then the next transport is asked. An account that is disabled does not get in, whatever is returned.
    ///
    /// # Errors
    /// [`Problem::InvalidToken`] for a credential that is there and bad: the request is refused, even where signing in is
    /// optional. [`Problem::Unavailable`] where it cannot be told.
    fn authenticate(
        auth: &A,
        parts: &Parts,
    ) -> impl Future<Output = Result<Option<Caller<A>>, Problem>> + Send;
}

/// Whom a transport of the application's own found.
pub struct Caller<A: Authority> {
    user: A::User,
    scopes: Vec<&'static str>,
}

impl<A: Authority> fmt::Debug for Caller<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(self.user.id()).finish()
    }
}

impl<A: Authority> Caller<A> {
    /// The owner of a credential, without scopes.
    #[must_use]
    pub const fn new(user: A::User) -> Self {
        Self {
            user,
            scopes: Vec::new(),
        }
    }

    /// What the credential may be used for. Scopes that the block does not declare are left out.
    #[must_use]
    pub fn scopes<'a>(mut self, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        for scope in scopes {
            let known = A::SCOPES.iter().find(|known| **known == scope);
            self.scopes
                .extend(known.filter(|known| !self.scopes.contains(*known)));
        }
        self
    }
}

/// An authority that asks transport `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not ask the transport `{T}`",
    label = "never asked",
    note = "add `#[transport({T})]` to its `auth!` block"
)]
pub trait Mounts<T>: Authority {}

/// The transport, for a block that declares it.
#[must_use]
pub const fn transport<A: Authority, T: OwnTransport<A>>() -> Transport<A> {
    Transport::plain(T::NAME, |auth, parts| {
        Box::pin(authenticate::<A, T>(auth, parts))
    })
}

async fn authenticate<A: Authority, T: OwnTransport<A>>(
    auth: &A,
    parts: &Parts,
) -> Result<Option<Resolved<A>>, Problem> {
    let found = T::authenticate(auth, parts).await?;
    let admitted = found.filter(|caller| engine(auth).admits(&caller.user));
    Ok(admitted.map(|Caller { user, scopes }| Resolved {
        user,
        transport: T::NAME,
        session: None,
        scopes,
        claims: serde_json::Map::new(),
    }))
}
