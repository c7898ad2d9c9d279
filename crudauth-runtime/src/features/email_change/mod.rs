//! Moving an account to another e-mail address, and taking that back.

use axum::Router;
use axum::http::Method;
use axum::routing::post;

use crate::authority::{Authority, Feature};
use crate::http::spec::{Access, FeatureSpec, RouteSpec, answer};

pub mod flow;
mod routes;

/// The declaration.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "email_change",
    routes: &[
        RouteSpec::new(
            Method::POST,
            "/email/change-request",
            "Sends a link to another address, which moves the account to it.",
        )
        .access(Access::SignedIn)
        .csrf()
        .limit("email_change_request")
        .answers(&[
            answer(200, ""),
            answer(400, "password_incorrect"),
            answer(400, "same_email"),
            answer(401, "not_authenticated"),
            answer(422, "validation_error"),
            answer(429, "locked_out"),
            answer(429, "rate_limited"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/email/change-confirm",
            "Moves the account to the address that the link was sent to.",
        )
        .answers(&[
            answer(200, ""),
            answer(400, "link_dead"),
            answer(400, "link_used"),
            answer(422, "email_in_use"),
            answer(422, "validation_error"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/email/change-undo",
            "Moves the account back to its former address, and ends every session.",
        )
        .answers(&[
            answer(200, ""),
            answer(400, "link_dead"),
            answer(400, "link_used"),
            answer(422, "email_in_use"),
            answer(422, "validation_error"),
        ]),
    ],
};

/// The feature, for a block that declares `#[email]`.
#[must_use]
pub const fn feature<A: Authority>() -> Feature<A> {
    Feature::plain(&SPEC, mount::<A>)
}

fn mount<A: Authority>(router: Router<A>) -> Router<A> {
    router
        .route("/email/change-request", post(routes::request::<A>))
        .route("/email/change-confirm", post(routes::confirm::<A>))
        .route("/email/change-undo", post(routes::undo::<A>))
}
