//! Recovery: proving what an account is recovered by, and getting back into it without the password.

use axum::Router;
use axum::http::Method;
use axum::routing::post;

use crate::authority::{Authority, Feature};
use crate::http::spec::{FeatureSpec, RouteSpec, answer};

pub mod flow;
mod routes;

/// The declaration.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "recovery",
    routes: &[
        RouteSpec::new(
            Method::POST,
            "/email/verify-request",
            "Sends a link that proves what the account is recovered by.",
        )
        .limit("email_verify_request")
        .answers(&[
            answer(200, ""),
            answer(422, "validation_error"),
            answer(429, "rate_limited"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/email/verify-confirm",
            "Proves what the account is recovered by, with the token of the link.",
        )
        .answers(&[
            answer(200, ""),
            answer(400, "link_dead"),
            answer(400, "link_used"),
            answer(422, "validation_error"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/password/reset-request",
            "Sends a link to a new password.",
        )
        .limit("password_reset_request")
        .answers(&[
            answer(200, ""),
            answer(422, "validation_error"),
            answer(429, "rate_limited"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/password/reset-confirm",
            "Sets a new password with the token of the link, and ends every session.",
        )
        .answers(&[
            answer(200, ""),
            answer(400, "link_dead"),
            answer(400, "link_used"),
            answer(422, "validation_error"),
        ]),
    ],
};

/// The feature, for a block that declares `#[email]` or `#[channel]`.
#[must_use]
pub const fn feature<A: Authority>() -> Feature<A> {
    Feature::plain(&SPEC, mount::<A>)
}

fn mount<A: Authority>(router: Router<A>) -> Router<A> {
    router
        .route("/email/verify-request", post(routes::verify_request::<A>))
        .route("/email/verify-confirm", post(routes::verify_confirm::<A>))
        .route("/password/reset-request", post(routes::reset_request::<A>))
        .route("/password/reset-confirm", post(routes::reset_confirm::<A>))
}
