//! Accounts: signing up, asking who one is, setting and changing a password.

use axum::Router;
use axum::http::Method;
use axum::routing::{get, post};

use crate::authority::{Authority, Feature};
use crate::http::spec::{Access, FeatureSpec, RouteSpec, answer};
use crate::policy::PasswordPolicy;

pub mod flow;
mod routes;

/// The declaration.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "account",
    routes: &[
        RouteSpec::new(Method::POST, "/register", "Creates an account.")
            .limit("register")
            .answers(&[
                answer(200, ""),
                answer(202, ""),
                answer(403, "cross_site"),
                answer(422, "validation_error"),
                answer(422, "email_taken"),
                answer(422, "username_taken"),
                answer(422, "field_taken"),
                answer(422, "account_exists"),
                answer(429, "rate_limited"),
            ]),
        RouteSpec::new(Method::GET, "/me", "Says who is signed in, and how.")
            .access(Access::SignedIn)
            .answers(&[answer(200, ""), answer(401, "not_authenticated")]),
        RouteSpec::new(
            Method::POST,
            "/set-password",
            "Gives a password to an account that has none.",
        )
        .access(Access::SignedIn)
        .csrf()
        .answers(&[
            answer(200, ""),
            answer(400, "already_has_password"),
            answer(401, "not_authenticated"),
            answer(403, "recent_sign_in_required"),
            answer(422, "validation_error"),
        ]),
        RouteSpec::new(
            Method::POST,
            "/change-password",
            "Changes the password and ends every other session.",
        )
        .access(Access::SignedIn)
        .csrf()
        .limit("change_password")
        .answers(&[
            answer(200, ""),
            answer(400, "no_password"),
            answer(401, "not_authenticated"),
            answer(401, "current_password_incorrect"),
            answer(422, "validation_error"),
            answer(422, "same_password"),
            answer(429, "rate_limited"),
        ]),
    ],
};

/// The feature, for the block that declares it (every block does).
#[must_use]
pub const fn feature<A: Authority>() -> Feature<A> {
    Feature {
        loosened: loosened::<A>,
        ..Feature::plain(&SPEC, mount::<A>)
    }
}

fn loosened<A: Authority>() -> Vec<&'static str> {
    let password = A::POLICY.password;
    let mut words = Vec::new();
    words.extend((password.min < PasswordPolicy::DEFAULT.min).then_some("danger_min"));
    words.extend(password.danger_common.then_some("danger_common"));
    words
}

fn mount<A: Authority>(router: Router<A>) -> Router<A> {
    router
        .route("/register", post(routes::register::<A>))
        .route("/me", get(routes::me::<A>))
        .route("/set-password", post(routes::set_password::<A>))
        .route("/change-password", post(routes::change_password::<A>))
}
