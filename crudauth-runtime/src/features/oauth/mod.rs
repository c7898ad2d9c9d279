//! Signing in with an account at somebody else's.

use axum::Router;

use crate::authority::{Authority, Feature};
use crate::http::spec::FeatureSpec;
use crate::policy::OAuthPolicy;

/// An authority whose block declares `#[oauth]`.
pub trait HasOAuth: Authority {
    /// What the section says.
    const OAUTH: OAuthPolicy;
}

/// The declaration.
pub const SPEC: FeatureSpec = FeatureSpec {
    name: "oauth",
    routes: &[],
};

/// The feature, for a block that declares it.
#[must_use]
pub const fn feature<A: HasOAuth>() -> Feature<A> {
    Feature::plain(&SPEC, mount::<A>)
}

fn mount<A: HasOAuth>(router: Router<A>) -> Router<A> {
    router
}

/// The identities of every account.
#[derive(Debug)]
pub struct OAuthHandle<'a, A: HasOAuth>(&'a A);

impl<'a, A: HasOAuth> OAuthHandle<'a, A> {
    /// Of this authority.
    pub const fn new(auth: &'a A) -> Self {
        Self(auth)
    }
}
