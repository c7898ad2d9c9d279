//! Signing in with an account at somebody else's (OAuth 2.0, OpenID Connect), and linking one.

use axum::Router;
use axum::http::Method;
use axum::routing::{delete, get, post};

use crate::authority::{Authority, Feature};
use crate::http::spec::{Access, FeatureSpec, RouteSpec, answer};
use crate::policy::{OAuthPaths, OAuthPolicy};

mod answers;
pub mod columns;
mod exchange;
pub mod flow;
mod handle;
mod manage;
mod routes;
mod target;

pub use handle::{Identity, OAuthHandle, UnlinkError};

/// An authority whose block declares `#[oauth(…)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no providers",
    note = "add `#[oauth(google)]` to its `auth!` block"
)]
pub trait HasOAuth: Authority {
    /// What the section says.
    const OAUTH: OAuthPolicy;
}

const USUAL: OAuthPaths = OAuthPaths::DEFAULT;

/// The declaration, with the usual paths.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "oauth",
    routes: &[
        RouteSpec::new(
            Method::GET,
            USUAL.authorize,
            "Sends the browser to a provider, to sign in there.",
        )
        .limit("oauth_authorize")
        .answers(&[
            answer(200, ""),
            answer(307, ""),
            answer(400, "oauth_failed"),
            answer(400, "unknown_provider"),
            answer(422, "validation_error"),
            answer(429, "rate_limited"),
        ]),
        RouteSpec::new(
            Method::GET,
            USUAL.callback,
            "Where the provider sends the browser back: signs in, or links.",
        )
        .answers(&[
            answer(200, ""),
            answer(307, ""),
            answer(400, "account_inactive"),
            answer(400, "email_missing"),
            answer(400, "email_too_long"),
            answer(400, "email_unverified"),
            answer(400, "identity_taken"),
            answer(400, "invalid_state"),
            answer(400, "link_required"),
            answer(400, "oauth_failed"),
            answer(400, "provider_already_linked"),
            answer(400, "unknown_provider"),
        ]),
        RouteSpec::new(
            Method::POST,
            USUAL.callback,
            "The same for a provider that answers with a form.",
        )
        .answers(&[
            answer(303, ""),
            answer(400, "oauth_failed"),
            answer(400, "unknown_provider"),
        ]),
        RouteSpec::new(
            Method::POST,
            USUAL.token,
            "Redeems the one-time code of an app for tokens.",
        )
        .only_with("exchange")
        .limit("oauth_authorize")
        .answers(&[
            answer(200, ""),
            answer(400, "invalid_grant"),
            answer(403, "cross_site_login"),
            answer(422, "validation_error"),
            answer(429, "rate_limited"),
        ]),
        RouteSpec::new(
            Method::POST,
            USUAL.link,
            "Sends the browser to a provider, to link an account there.",
        )
        .access(Access::SignedIn)
        .csrf()
        .limit("oauth_authorize")
        .answers(&[
            answer(200, ""),
            answer(400, "oauth_failed"),
            answer(400, "unknown_provider"),
            answer(401, "not_authenticated"),
            answer(403, "recent_sign_in_required"),
            answer(403, "session_required"),
            answer(422, "validation_error"),
            answer(429, "rate_limited"),
        ]),
        RouteSpec::new(
            Method::GET,
            USUAL.identities,
            "Lists one's own accounts at providers.",
        )
        .access(Access::SignedIn)
        .answers(&[answer(200, ""), answer(401, "not_authenticated")]),
        RouteSpec::new(
            Method::DELETE,
            USUAL.identity,
            "Unlinks one, unless nobody could sign in without it.",
        )
        .access(Access::SignedIn)
        .csrf()
        .answers(&[
            answer(200, ""),
            answer(401, "not_authenticated"),
            answer(403, "recent_sign_in_required"),
            answer(403, "sudo_required"),
            answer(404, "identity_not_found"),
            answer(409, "last_way_in"),
        ]),
    ],
};

/// The feature, for a block that declares it.
#[must_use]
pub const fn feature<A: HasOAuth>() -> Feature<A> {
    Feature {
        has: has::<A>,
        at: at::<A>,
        ..Feature::plain(&SPEC, mount::<A>)
    }
}

fn has<A: HasOAuth>(key: &str) -> bool {
    key == "exchange" && !A::OAUTH.exchange.is_empty()
}

fn at<A: HasOAuth>(path: &'static str) -> &'static str {
    let own = A::OAUTH.paths;
    let moved = [
        (USUAL.authorize, own.authorize),
        (USUAL.callback, own.callback),
        (USUAL.link, own.link),
        (USUAL.identities, own.identities),
        (USUAL.identity, own.identity),
        (USUAL.token, own.token),
    ];
    let row = moved.iter().find(|(usual, _)| *usual == path);
    row.map_or(path, |(_, own)| *own)
}

fn mount<A: HasOAuth>(mut router: Router<A>) -> Router<A> {
    let paths = A::OAUTH.paths;
    if has::<A>("exchange") {
        router = router.route(paths.token, post(exchange::token::<A>));
    }
    router
        .route(paths.authorize, get(routes::authorize::<A>))
        .route(
            paths.callback,
            get(routes::callback::<A>).post(routes::form_callback::<A>),
        )
        .route(paths.link, post(manage::link::<A>))
        .route(paths.identities, get(manage::list::<A>))
        .route(paths.identity, delete(manage::unlink::<A>))
}
