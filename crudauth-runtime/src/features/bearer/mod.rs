//! Bearer tokens: access tokens in the `Authorization` header, and the refresh tokens that renew them.

use axum::Router;
use axum::http::Method;
use axum::routing::{get, post};

use crate::authority::{Authority, Feature};
use crate::error::Result;
use crate::guard::TransportName;
use crate::http::serve::require_loopback;
use crate::http::spec::{Access, FeatureSpec, RouteSpec, answer};
use crate::policy::BearerPolicy;

mod cookies;
mod extractor;
pub mod flow;
mod handle;
mod routes;
mod transport;

pub use extractor::{AccessToken, Stateless};
pub use flow::{Claims, NoClaims};
pub use handle::{Tokens, TokensHandle};
pub use transport::transport;

/// An authority whose block declares `#[bearer]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no bearer transport",
    note = "add `#[bearer]` to its `auth!` block"
)]
pub trait HasBearer: Authority {
    /// What the section says.
    const BEARER: BearerPolicy;
    /// What the application adds to the claims of access tokens.
    type Claims: Claims<Self::User>;
}

/// Names the transport in `#[require(transport(bearer))]`.
#[derive(Debug)]
pub struct Bearer;

impl TransportName for Bearer {
    const NAME: &'static str = "bearer";
}

/// The declaration.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "bearer",
    routes: &[
        RouteSpec::new(
            Method::POST,
            "/token",
            "Signs in with identifier and password, and answers with tokens.",
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
            "/refresh",
            "Renews the access token by the refresh token.",
        )
        .only_with("refresh")
        .answers(&[
            answer(200, ""),
            answer(401, "refresh_token_missing"),
            answer(401, "refresh_token_invalid"),
            answer(403, "cross_site"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/logout",
            "Ends the refresh token's family and clears its cookie.",
        )
        .only_with("logout")
        .answers(&[answer(200, ""), answer(403, "cross_site")]),
        RouteSpec::new(
            Method::POST,
            "/token/revoke",
            "Ends the family of one of one's own tokens (RFC 7009).",
        )
        .access(Access::SignedIn)
        .csrf()
        .only_with("revocation")
        .answers(&[
            answer(200, ""),
            answer(401, "not_authenticated"),
            answer(401, "invalid_token"),
            answer(422, "validation_error"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/token/introspect",
            "Says whether a token is live, and what it is for (RFC 7662).",
        )
        .access(Access::SignedIn)
        .csrf()
        .only_with("introspection")
        .answers(&[
            answer(200, ""),
            answer(401, "not_authenticated"),
            answer(401, "invalid_token"),
            answer(422, "validation_error"),
        ]),
        RouteSpec::new(
            Method::GET,
            "/.well-known/jwks.json",
            "The public keys of access tokens (RFC 7517).",
        )
        .only_with("jwks")
        .answers(&[answer(200, "")]),
    ],
};

/// The feature, for a block that declares it.
#[must_use]
pub const fn feature<A: HasBearer>() -> Feature<A> {
    Feature {
        has: has::<A>,
        loosened: loosened::<A>,
        start: start::<A>,
        ..Feature::plain(&SPEC, mount::<A>)
    }
}

fn has<A: HasBearer>(key: &str) -> bool {
    let policy = A::BEARER;
    match key {
        "refresh" => policy.refresh.is_some(),
        // The session's own `/logout` clears every transport.
        "logout" => {
            policy.refresh.is_some_and(|refresh| !refresh.body)
                && !A::TRANSPORTS.iter().any(|other| other.name == "session")
        }
        "revocation" => policy.revocation,
        "introspection" => policy.introspection,
        "jwks" => policy.jwks,
        _ => false,
    }
}

fn loosened<A: HasBearer>() -> Vec<&'static str> {
    let mut words = Vec::new();
    words.extend(A::BEARER.stateless.then_some("check = \"stateless\""));
    if let Some(refresh) = A::BEARER.refresh {
        words.extend((!refresh.rotate).then_some("rotate = false"));
        words.extend((!refresh.secure).then_some("danger_insecure_cookies"));
    }
    words
}

fn start<A: HasBearer>() {
    if A::BEARER
        .refresh
        .is_some_and(|refresh| !refresh.body && !refresh.secure)
    {
        tracing::warn!(
            "the refresh cookie is sent without `Secure`, for development on this machine: the server binds to loopback only"
        );
        require_loopback();
    }
}

fn mount<A: HasBearer>(mut router: Router<A>) -> Router<A> {
    router = router.route("/token", post(routes::token::<A>));
    let optional = [
        ("refresh", "/refresh", post(routes::refresh::<A>)),
        ("logout", "/logout", post(routes::logout::<A>)),
        ("revocation", "/token/revoke", post(routes::revoke::<A>)),
        (
            "introspection",
            "/token/introspect",
            post(routes::introspect::<A>),
        ),
        ("jwks", "/.well-known/jwks.json", get(routes::jwks::<A>)),
    ];
    for (key, path, route) in optional {
        if has::<A>(key) {
            router = router.route(path, route);
        }
    }
    router
}

/// What the application adds to the claims of an account's tokens.
fn extra<A: HasBearer>(user: &A::User) -> Result<serde_json::Map<String, serde_json::Value>> {
    flow::extra_of::<A::User, A::Claims>(user)
}
