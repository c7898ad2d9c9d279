//! Cookie sessions: signing in and out, the CSRF token, and the list of one's own sessions.

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use crate::authority::{Authority, Feature, Wrap};
use crate::guard::TransportName;
use crate::http::serve::require_loopback;
use crate::http::spec::{Access, FeatureSpec, RouteSpec, answer};
use crate::policy::SessionPolicy;

mod cookies;
pub mod flow;
pub mod forms;
mod handle;
mod management;
mod routes;
mod transport;

pub use handle::OpenedSession;
pub use transport::transport;

/// An authority whose block declares `#[session]`, or no transport at all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no session transport",
    note = "add `#[session]` to its `auth!` block"
)]
pub trait HasSession: Authority {
    /// What the section says.
    const SESSION: SessionPolicy;
}

/// Names the transport in `#[require(transport(session))]`.
#[derive(Debug)]
pub struct Session;

impl TransportName for Session {
    const NAME: &'static str = "session";
}

/// The declaration.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "session",
    routes: &[
        RouteSpec::new(
            Method::POST,
            "/login",
            "Signs in with identifier and password.",
        )
        .answers(&[
            answer(200, ""),
            answer(401, "incorrect_credentials"),
            answer(403, "cross_site_login"),
            answer(422, "validation_error"),
            answer(429, "locked_out"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/logout",
            "Ends the session and clears every cookie.",
        )
        .csrf()
        .answers(&[answer(200, "")]),
        RouteSpec::new(Method::GET, "/sessions", "Lists one's own sessions.")
            .access(Access::Via("session"))
            .only_with("management")
            .answers(&[answer(200, ""), answer(401, "not_authenticated")]),
        RouteSpec::new(
            Method::DELETE,
            "/sessions/{id}",
            "Ends one of one's own sessions.",
        )
        .access(Access::Via("session"))
        .csrf()
        .only_with("management")
        .answers(&[
            answer(200, ""),
            answer(401, "not_authenticated"),
            answer(404, "session_not_found"),
        ]),
        RouteSpec::new(Method::POST, "/logout-all", "Ends one's own sessions.")
            .access(Access::Via("session"))
            .csrf()
            .limit("logout_all")
            .only_with("management")
            .answers(&[
                answer(200, ""),
                answer(401, "not_authenticated"),
                answer(422, "validation_error"),
                answer(429, "rate_limited"),
            ]),
        RouteSpec::new(
            Method::POST,
            "/csrf/refresh",
            "Gives the session's CSRF token, or a new one if it was lost.",
        )
        .access(Access::Via("session"))
        .limit("csrf_refresh")
        .only_with("management")
        .answers(&[
            answer(200, ""),
            answer(400, "csrf_disabled"),
            answer(401, "not_authenticated"),
            answer(429, "rate_limited"),
        ]),
    ],
};

/// The feature, for a block that declares it.
#[must_use]
pub const fn feature<A: HasSession>() -> Feature<A> {
    let layer: Option<Wrap<A>> = if A::SESSION.csrf_field.is_some() {
        Some(read_forms)
    } else {
        None
    };
    Feature {
        spec: &SPEC,
        has: |key| key == "management" && A::SESSION.management,
        at: |path| path,
        mount: mount::<A>,
        layer,
        loosened: loosened::<A>,
        start: start::<A>,
        sweep: A::SESSION.sweep,
    }
}

fn loosened<A: HasSession>() -> Vec<&'static str> {
    let mut words = Vec::new();
    words.extend((!A::SESSION.secure).then_some("danger_insecure_cookies"));
    words.extend((!A::SESSION.csrf).then_some("danger_no_csrf"));
    words
}

fn start<A: HasSession>() {
    if !A::SESSION.secure {
        tracing::warn!(
            "cookies are sent without `Secure`, for development on this machine: the server binds to loopback only"
        );
        require_loopback();
    }
}

fn read_forms<A: HasSession>(router: Router<A>, auth: &A) -> Router<A> {
    router.route_layer(from_fn_with_state(auth.clone(), forms::read_ours::<A>))
}

fn mount<A: HasSession>(router: Router<A>) -> Router<A> {
    let router = router
        .route("/login", post(routes::login::<A>))
        .route("/logout", post(routes::logout::<A>));
    if !A::SESSION.management {
        return router;
    }
    router
        .route("/sessions", get(management::list::<A>))
        .route("/sessions/{id}", delete(management::end::<A>))
        .route("/logout-all", post(management::end_all::<A>))
        .route("/csrf/refresh", post(management::refresh_csrf::<A>))
}
