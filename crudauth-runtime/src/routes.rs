//! The mounted routes, put together from the declared features.

use std::fmt;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::http::{HeaderValue, Method};
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use crate::authority::{Authority, Feature, engine};
use crate::http::problem::CREDENTIALS;
use crate::http::serve::{X_REQUEST_ID, request_id};
use crate::http::spec::{Access, RouteSpec};
use crate::principal::challenge;
use crate::store::patience;

/// All routes of the declared features, carrying their own state: merges into any application.
pub fn router<A: Authority, S: Clone + Send + Sync + 'static>(auth: &A) -> Router<S> {
    mounted(auth, |_| true)
}

/// The routes of one feature.
pub fn feature_router<A: Authority, S: Clone + Send + Sync + 'static>(
    auth: &A,
    name: &str,
) -> Router<S> {
    mounted(auth, |feature| feature.spec.name == name)
}

fn mounted<A: Authority, S: Clone + Send + Sync + 'static>(
    auth: &A,
    wanted: impl Fn(&Feature<A>) -> bool,
) -> Router<S> {
    let features = A::FEATURES.iter().filter(|feature| wanted(feature));
    let router = features.fold(Router::new(), |router, feature| {
        router.merge((feature.mount)(Router::new()))
    });
    let layers = A::FEATURES.iter().filter_map(|feature| feature.layer);
    let router = layers.fold(router, |router, layer| layer(router, auth));
    // `route_layer`: what is not a route of ours is none of our business, and gets no headers of ours.
    router
        .route_layer(from_fn(finish::<A>))
        .with_state(auth.clone())
}

/// What every answer of ours carries: it may hold a credential or say something about one, so nobody keeps it.
async fn finish<A: Authority>(request: Request, next: Next) -> Response {
    let mut response = patience::shared(next.run(request)).await;
    challenge::<A>(&mut response);
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.entry(VARY).or_insert(CREDENTIALS);
    headers.entry(X_REQUEST_ID).or_insert_with(request_id);
    response
}

/// One row of the route table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteInfo {
    /// Method.
    pub method: Method,
    /// Path.
    pub path: String,
    /// Who may call it.
    pub access: String,
    /// Whether a session caller must send the CSRF token.
    pub csrf: bool,
    /// The limit that counts it, if one does.
    pub limit: Option<String>,
    /// Where it was declared, for the application's own routes.
    pub declared: Option<String>,
}

impl RouteInfo {
    fn of<A: Authority>(spec: &RouteSpec, path: &str) -> Self {
        let access = match spec.access {
            Access::Open => "public".to_owned(),
            Access::SignedIn => "signed in".to_owned(),
            Access::Via(transport) => format!("signed in, transport({transport})"),
        };
        let limit = spec.limit.map(|name| format!("{name}{}", times::<A>(name)));
        Self {
            method: spec.method.clone(),
            path: path.to_owned(),
            access,
            csrf: spec.csrf && asks_for_csrf::<A>(),
            limit,
            declared: None,
        }
    }
}

/// Whether any transport of the block asks for the CSRF token: the table promises no more than is done.
pub(crate) fn asks_for_csrf<A: Authority>() -> bool {
    A::TRANSPORTS.iter().any(|transport| transport.csrf)
}

fn times<A: Authority>(name: &str) -> String {
    let limits = A::POLICY.rate_limit;
    let limit = match name {
        "register" => limits.register,
        "change_password" => limits.change_password,
        "logout_all" => limits.logout_all,
        "csrf_refresh" => limits.csrf_refresh,
        "email_verify_request" => limits.email_verify_request,
        "password_reset_request" => limits.password_reset_request,
        "email_change_request" => limits.email_change_request,
        "oauth_authorize" => limits.oauth_authorize,
        _ => return String::new(),
    };
    if limit.times == 0 {
        " off".to_owned()
    } else {
        format!(" {}/{}s", limit.times, limit.per.as_secs())
    }
}

/// Every route with its access, printable and comparable: a snapshot of it shows a change of access in review.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteTable {
    rows: Vec<RouteInfo>,
    loosened: Vec<&'static str>,
}

impl RouteTable {
    pub(crate) fn of<A: Authority>(auth: &A) -> Self {
        let mut loosened: Vec<_> = A::FEATURES
            .iter()
            .flat_map(|feature| (feature.loosened)())
            .collect();
        loosened.extend(engine(auth).unlimited.then_some("danger_no_limits"));
        let rows = A::FEATURES.iter().flat_map(|feature| {
            let mounted = feature
                .spec
                .routes
                .iter()
                .filter(|route| route.only_with.is_none_or(feature.has));
            mounted.map(|route| RouteInfo::of::<A>(route, (feature.at)(route.path)))
        });
        Self {
            rows: rows.collect(),
            loosened,
        }
    }

    pub(crate) fn push(&mut self, row: RouteInfo) {
        self.rows.push(row);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.loosened.extend(other.loosened);
    }

    pub(crate) fn nested(mut self, prefix: &str) -> Self {
        for row in &mut self.rows {
            row.path = format!("{}{}", prefix.trim_end_matches('/'), row.path);
        }
        self
    }

    /// The `danger_…` keys and settings in use: what is weaker here than the default.
    #[must_use]
    pub fn loosened(&self) -> &[&'static str] {
        &self.loosened
    }

    /// The rows, in the order of declaration.
    #[must_use]
    pub fn rows(&self) -> &[RouteInfo] {
        &self.rows
    }
}

impl fmt::Display for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest =
            |column: fn(&RouteInfo) -> usize| self.rows.iter().map(column).max().unwrap_or(0);
        let (path, access) = (widest(|row| row.path.len()), widest(|row| row.access.len()));
        for row in &self.rows {
            let csrf = if row.csrf { "csrf" } else { "" };
            let rest = [row.limit.as_deref(), row.declared.as_deref()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("  ");
            let line = format!(
                "{:<7} {:<path$}  {:<access$}  {csrf:<4}  {rest}",
                row.method.as_str(),
                row.path,
                row.access
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        self.loosened
            .iter()
            .try_for_each(|word| writeln!(f, "loosened: {word}"))
    }
}

/// The routes of an authority.
#[must_use]
pub fn routes<A: Authority>(auth: &A) -> RouteTable {
    RouteTable::of(auth)
}
