//! Sudo: proving once more who one is, before what cannot be taken back.

use axum::Router;
use axum::http::Method;
use axum::routing::post;

use crate::authority::{Authority, Feature};
use crate::http::spec::{Access, FeatureSpec, RouteSpec, answer};
use crate::policy::SudoPolicy;

pub mod flow;
mod handle;
mod proof;
mod routes;

pub use handle::{Elevation, SudoHandle};
pub use proof::{ANY, EVER, Implied, PASSWORD, Sudo, SudoWithin, within};

/// An authority whose block declares `#[sudo]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no sudo",
    label = "nobody could ever prove this",
    note = "add `#[sudo]` to its `auth!` block"
)]
pub trait HasSudo: Authority {
    /// What the section says.
    const SUDO: SudoPolicy;
}

/// The declaration.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "sudo",
    routes: &[RouteSpec::new(
        Method::POST,
        "/sudo",
        "Proves once more who one is, by the password.",
    )
    .access(Access::SignedIn)
    .csrf()
    .only_with("route")
    .answers(&[
        answer(200, ""),
        answer(401, "invalid_code"),
        answer(401, "not_authenticated"),
        answer(401, "sudo_password_incorrect"),
        answer(403, "session_gone"),
        answer(403, "session_required"),
        answer(422, "validation_error"),
        answer(429, "sudo_locked"),
    ])],
};

/// The feature, for a block that declares it.
#[must_use]
pub const fn feature<A: HasSudo>() -> Feature<A> {
    let mut feature = Feature::plain(&SPEC, mount::<A>);
    feature.has = |key| key == "route" && A::SUDO.route;
    feature
}

fn mount<A: HasSudo>(router: Router<A>) -> Router<A> {
    if A::SUDO.route {
        router.route("/sudo", post(routes::sudo::<A>))
    } else {
        router
    }
}
