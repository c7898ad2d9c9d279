//! What an `auth!` block becomes: one type that ties a user, a policy and the declared features together.

use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::future::{BoxFuture, Either};

use crate::authenticate::Authenticated;
use crate::crypto::Redemption;
use crate::engine::{Client, Engine, Rotated};
use crate::guard::Checked;
use crate::hooks::Hooks;
use crate::http::client::{client_ip, client_key, peer};
use crate::http::origin::Origin;
use crate::http::problem::Problem;
use crate::http::spec::FeatureSpec;
use crate::http::user_agent;
use crate::policy::{Algorithm, OAuthPolicy, Policy};
use crate::principal::{Principal, Resolved};
use crate::store::Store;
use crate::store::sql::Schema;
use crate::workers::Workers;

/// The type that an `auth!` block declares. Implemented by the macro only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` was not declared by `auth!`",
    note = "write `crudauth::auth! {{ pub struct Auth<User>; }}` and name that type here"
)]
pub trait Authority: Schema + Clone + fmt::Debug {
    /// The application's hooks.
    type Hooks: Hooks<Self::User>;
    /// The type's name, for the route table.
    const NAME: &'static str;
    /// What the block says.
    const POLICY: Policy;
    /// The declared transports, in order of precedence.
    const TRANSPORTS: &'static [Transport<Self>];
    /// The declared features.
    const FEATURES: &'static [Feature<Self>];
    /// Every scope that the block declares.
    const SCOPES: &'static [&'static str] = &[];
    /// How access tokens are signed, where the block declares them.
    const ALGORITHM: Option<Algorithm> = None;
    /// Signing in elsewhere, where the block declares it.
    const OAUTH_POLICY: Option<OAuthPolicy> = None;
    /// The declared database products.
    const DRIVERS: &'static [Driver<Self>];

    /// Wraps what the builder made.
    fn from_core(core: Arc<Core<Self>>) -> Self;
    /// What the builder made.
    fn core(&self) -> &Arc<Core<Self>>;
}

/// Everything an authority holds at run time.
pub struct Core<A: Authority> {
    pub(crate) engine: Arc<Engine<A::User>>,
    pub(crate) origins: Option<Vec<Origin>>,
    pub(crate) workers: Workers,
}

impl<A: Authority> fmt::Debug for Core<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(A::NAME)
            .field("store", &self.engine.store)
            .finish_non_exhaustive()
    }
}

/// Finds the account behind a request's credential.
pub type Authenticate<A> =
    for<'a> fn(&'a A, &'a Parts) -> BoxFuture<'a, Result<Option<Resolved<A>>, Problem>>;
/// Confirms that a request may use what [`Authenticate`] found.
pub type Confirm<A> = for<'a> fn(&'a A, &'a Parts, &'a Resolved<A>) -> Checked<'a, Problem>;
/// Ends the credential of another transport that a request carries, and gives the cookies that clear it.
pub type SignOut<A> =
    for<'a> fn(&'a A, &'a Parts) -> BoxFuture<'a, Result<Vec<HeaderValue>, Problem>>;
/// Wraps the routes of an authority.
pub type Wrap<A> = fn(Router<A>, &A) -> Router<A>;
/// Opens a store by its URL.
pub type Open<A> =
    for<'a> fn(&'a str) -> BoxFuture<'a, crate::Result<Arc<dyn Store<<A as Schema>::User>>>>;

/// How a request proves who sends it.
pub struct Transport<A: Authority> {
    /// As `transport(…)` names it.
    pub name: &'static str,
    /// The account behind the credential; `None` where there is none or a dead one.
    pub authenticate: Authenticate<A>,
    /// What a guard adds for a principal that came this way: CSRF, and recording the use.
    pub confirm: Confirm<A>,
    /// Whether an unsafe request that came this way needs a CSRF token.
    pub csrf: bool,
    /// How its credential is renewed when a privilege changes, where the block asks for that.
    pub renewal: Option<Renewal<A>>,
    /// What it adds to signing out by another transport.
    pub sign_out: Option<SignOut<A>>,
    /// The challenge of a 401 (RFC 9110 §11.6.1), for those that have a scheme.
    pub challenge: Option<&'static str>,
    /// Name of the cookie by which it tells a known browser from a stranger.
    pub device_cookie: Option<&'static str>,
    /// How it opens for somebody who proved by another door than its own who they are, where it can.
    #[cfg_attr(
        not(feature = "oauth"),
        expect(dead_code, reason = "no other door is built in")
    )]
    pub(crate) enter: Option<Enter<A>>,
    /// The same for one whose credential is the answer itself.
    #[cfg_attr(not(feature = "oauth"), expect(dead_code, reason = "as above"))]
    pub(crate) grant: Option<Grant<A>>,
}

/// Somebody who is about to come in.
pub(crate) struct Entry<U> {
    pub(crate) proof: Authenticated<U>,
    /// Whether to keep them signed in beyond the browser's session.
    pub(crate) remember: bool,
    /// The scopes that they ask for, where the transport has some.
    pub(crate) scopes: Option<String>,
    /// The one-time code that they come with, where the transport has somewhere to spend it.
    pub(crate) redemption: Option<Redemption>,
}

/// How a transport opens for somebody whom a feature has authenticated.
#[cfg_attr(not(feature = "oauth"), expect(dead_code, reason = "as above"))]
pub(crate) struct Enter<A: Authority> {
    /// Whether its cookies have the `Secure` attribute, and so has what leads to them.
    pub(crate) secure: bool,
    /// Opens what it carries. `None` when the account was disabled, deleted or moved on meanwhile.
    pub(crate) open: Enters<A>,
}

pub(crate) type Enters<A> =
    for<'a> fn(
        &'a A,
        &'a Parts,
        Entry<<A as Schema>::User>,
    ) -> BoxFuture<'a, crate::Result<Option<Entered<<A as Schema>::User>>>>;

/// How a transport answers somebody whom a feature has authenticated.
#[cfg_attr(not(feature = "oauth"), expect(dead_code, reason = "as above"))]
pub(crate) struct Grant<A: Authority> {
    /// Whether the answer sets cookies, so that a foreign page must not ask for it.
    pub(crate) sets_cookies: bool,
    /// The finished answer. `None` as for [`Enter`], and when the code was spent.
    pub(crate) answer: Granted<A>,
    /// Ends what was granted for a code, if anything was: it has come back.
    pub(crate) replayed: Replayed<A>,
}

pub(crate) type Replayed<A> =
    for<'a> fn(&'a A, &'a Parts, Redemption) -> BoxFuture<'a, crate::Result<()>>;

pub(crate) type Granted<A> = for<'a> fn(
    &'a A,
    &'a Parts,
    Entry<<A as Schema>::User>,
) -> BoxFuture<'a, crate::Result<Option<Response>>>;

/// Somebody who came in.
#[cfg_attr(not(feature = "oauth"), expect(dead_code, reason = "as above"))]
pub(crate) struct Entered<U> {
    pub(crate) user: U,
    pub(crate) cookies: Vec<HeaderValue>,
    /// The CSRF token; empty where CSRF is off.
    pub(crate) csrf: String,
}

impl<A: Authority> Transport<A> {
    /// One that finds out who sends a request, and does nothing else.
    #[must_use]
    pub const fn plain(name: &'static str, authenticate: Authenticate<A>) -> Self {
        Self {
            name,
            authenticate,
            confirm: |_, _, _| Either::Left(ready(Ok(()))),
            csrf: false,
            renewal: None,
            sign_out: None,
            challenge: None,
            device_cookie: None,
            enter: None,
            grant: None,
        }
    }
}

/// A credential that is renewed when a privilege changes.
pub struct Renewal<A: Authority> {
    /// Whether a CSRF token goes with it.
    pub csrf: bool,
    /// The cookies that carry it.
    pub cookies: fn(&Principal<A>, &Rotated) -> Vec<HeaderValue>,
}

impl<A: Authority> fmt::Debug for Renewal<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewal")
    }
}

impl<A: Authority> fmt::Debug for Transport<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transport({})", self.name)
    }
}

/// A declared feature and its routes.
pub struct Feature<A: Authority> {
    /// Its declaration.
    pub spec: &'static FeatureSpec,
    /// Whether its section has a key on which routes depend.
    pub has: fn(&str) -> bool,
    /// Where the block has the route that `spec` has at a path.
    pub at: fn(&'static str) -> &'static str,
    /// Adds its routes.
    pub mount: fn(Router<A>) -> Router<A>,
    /// Wraps the routes of all features, where the block asks for that.
    pub layer: Option<Wrap<A>>,
    /// The `danger_…` keys that the block uses in this feature's sections.
    pub loosened: fn() -> Vec<&'static str>,
    /// Runs once when an authority starts.
    pub start: fn(),
    /// How often the sweeper runs for it.
    pub sweep: Duration,
}

impl<A: Authority> Feature<A> {
    /// One whose routes are all that it adds.
    #[must_use]
    pub const fn plain(spec: &'static FeatureSpec, mount: fn(Router<A>) -> Router<A>) -> Self {
        Self {
            spec,
            has: |_| false,
            at: |path| path,
            mount,
            layer: None,
            loosened: Vec::new,
            start: || {},
            sweep: Duration::from_mins(15),
        }
    }
}

impl<A: Authority> fmt::Debug for Feature<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feature({})", self.spec.name)
    }
}

/// A declared database product.
pub struct Driver<A: Authority> {
    /// As `#[database(…)]` names it.
    pub keyword: &'static str,
    /// The URL schemes it answers to.
    pub schemes: &'static [&'static str],
    /// Opens a pool.
    pub open: Open<A>,
    /// The statements that create our own tables.
    pub schema_sql: fn() -> String,
}

impl<A: Authority> fmt::Debug for Driver<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Driver({})", self.keyword)
    }
}

/// Signs out of every transport but the one called `by`, which does so itself: one that can be is cleared, whoever the
/// request came from by now.
pub(crate) async fn sign_out_of_others<A: Authority>(
    auth: &A,
    parts: &Parts,
    by: &str,
) -> Result<Vec<HeaderValue>, Problem> {
    let mut cookies = Vec::new();
    for transport in A::TRANSPORTS.iter().filter(|other| other.name != by) {
        if let Some(sign_out) = transport.sign_out {
            cookies.extend(sign_out(auth, parts).await?);
        }
    }
    Ok(cookies)
}

/// Who sends this request.
pub(crate) fn client<A: Authority>(parts: &Parts) -> Client {
    let hops = A::POLICY.proxy.trusted_hops;
    let ip = client_ip(peer(&parts.extensions), &parts.headers, hops);
    Client {
        ip,
        group: client_key(ip),
        user_agent: user_agent::of_request(&parts.headers),
    }
}

/// Reaches an authority's parts without exporting them.
pub(crate) fn engine<A: Authority>(auth: &A) -> &Arc<Engine<A::User>> {
    &auth.core().engine
}
