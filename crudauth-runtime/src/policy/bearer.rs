//! `#[bearer(…)]`, as plain values.

use std::time::Duration;

use super::{DAY, SameSite};

/// `#[bearer(…)]`: access tokens in `Authorization: Bearer`, and the refresh tokens that renew them.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent switch of the block"
)]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct BearerPolicy {
    /// How long an access token is good. 15 minutes.
    pub access: Duration,
    /// Refresh tokens; `None` where the block has none: then a sign-in ends with its access token.
    pub refresh: Option<RefreshPolicy>,
    /// The signature of access tokens. HS256.
    pub algorithm: Algorithm,
    /// `iss` of every token; one of anybody else's is refused. None.
    pub issuer: Option<&'static str>,
    /// `aud` of every token; one for anybody else is refused. None.
    pub audience: Option<&'static str>,
    /// `typ` in the header: `JWT`, or `at+jwt` (RFC 9068 §2.1).
    pub typ: &'static str,
    /// Every scope there is: what a token may be granted.
    pub scopes: &'static [&'static str],
    /// What a sign-in that asks for no scope is granted. None.
    pub default_scopes: &'static [&'static str],
    /// Whether `AccessToken<Auth>` may answer for a request without asking the database. Off: SEC-076.
    pub stateless: bool,
    /// Mounts `POST /token/revoke` (RFC 7009). Off.
    pub revocation: bool,
    /// Mounts `POST /token/introspect` (RFC 7662). Off.
    pub introspection: bool,
    /// Mounts `GET /.well-known/jwks.json` (RFC 7517). Off.
    pub jwks: bool,
}

impl BearerPolicy {
    /// What `#[bearer]` alone means.
    pub const DEFAULT: Self = Self {
        access: Duration::from_mins(15),
        refresh: Some(RefreshPolicy::DEFAULT),
        algorithm: Algorithm::Hs256,
        issuer: None,
        audience: None,
        typ: "JWT",
        scopes: &[],
        default_scopes: &[],
        stateless: false,
        revocation: false,
        introspection: false,
        jwks: false,
    };
}

/// `refresh(…)` in `#[bearer(…)]`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RefreshPolicy {
    /// How long after its sign-in a family ends, however often it is used. 30 days.
    pub ttl: Duration,
    /// Whether the token travels in the bodies, not in a cookie. Off.
    pub body: bool,
    /// Whether each use replaces it. On: RFC 9700 §4.14.2.
    pub rotate: bool,
    /// How long the token just replaced may be sent again, for the same successor. 10 s.
    pub grace: Duration,
    /// Name of the cookie. `refresh_token`.
    pub cookie: &'static str,
    /// Name of the cookie that tells a known browser from a stranger. `device_id`.
    pub device_cookie: &'static str,
    /// `Path` of the cookies. `/`.
    pub path: &'static str,
    /// `SameSite` of the cookies. Lax.
    pub same_site: SameSite,
    /// `Secure` of the cookies. On.
    pub secure: bool,
}

impl RefreshPolicy {
    /// What a block says by saying nothing.
    pub const DEFAULT: Self = Self {
        ttl: DAY.saturating_mul(30),
        body: false,
        rotate: true,
        grace: Duration::from_secs(10),
        cookie: "refresh_token",
        device_cookie: "device_id",
        path: "/",
        same_site: SameSite::Lax,
        secure: true,
    };
}

/// How access tokens are signed (RFC 7518 §3.1, RFC 8037 §3.1). A key has one algorithm, and a token does not choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// HMAC with SHA-256: whoever can verify can sign.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// As `alg` says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
        }
    }
}
