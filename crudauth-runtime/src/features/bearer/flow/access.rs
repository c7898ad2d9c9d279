//! Access tokens as they come with requests.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::declared;
use crate::account::{AccountKey, AuthUser, RawKey};
use crate::crypto::access::{self, AccessClaims, AccessRules, Verdict};
use crate::engine::Engine;
use crate::error::Result;
use crate::policy::BearerPolicy;

/// What the application puts into access tokens besides the contract's claims: `#[bearer(claims(MyClaims))]`. Whoever
/// holds the token can read it.
///
/// ```
/// # mod crudauth { pub use crudauth_runtime::features::bearer; }
/// # #[derive(Debug)] struct User { plan: String }
/// use crudauth::bearer::Claims;
///
/// #[derive(Debug, serde::Serialize, serde::Deserialize)]
/// struct Plan {
///     plan: String,
/// }
///
/// impl Claims<User> for Plan {
///     fn of(user: &User) -> Self {
///         Self { plan: user.plan.clone() }
///     }
/// }
/// ```
///
/// Its names must not be those of the contract (`sub`, `exp`, …): such a token is not issued, and the request is answered
/// with 500.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be put into access tokens of `{U}`",
    label = "no claims of `{U}`",
    note = "write `impl crudauth::bearer::Claims<{U}> for {Self} {{ fn of(user: &{U}) -> Self {{ … }} }}`, and derive `serde::Serialize` and `serde::Deserialize`"
)]
pub trait Claims<U>: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What a token for `user` says.
    fn of(user: &U) -> Self;
}

/// Nothing: what a block without `claims` has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoClaims;

impl Serialize for NoClaims {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        Map::<String, Value>::new().serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for NoClaims {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl<U> Claims<U> for NoClaims {
    fn of(_: &U) -> Self {
        Self
    }
}

/// What an access token says of the request that carries it.
#[derive(Debug, Clone)]
pub struct Carried {
    /// What it may be used for: of the scopes that the block declares.
    pub scopes: Vec<&'static str>,
    /// The refresh family that it was made from.
    pub family: Option<String>,
    /// Seconds since 1970 when it ends.
    pub exp: i64,
    /// Seconds since 1970 when it was made.
    pub iat: i64,
    /// The application's own claims.
    pub claims: Map<String, Value>,
}

/// What the token itself says, before any account was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Read<K> {
    /// It does not verify.
    Invalid,
    /// It is ours, and its time is over.
    Expired,
    /// It is good, as far as a token tells.
    Good {
        /// Whose it says it is.
        user: K,
        /// The epoch it was issued under.
        token_version: i64,
        /// The rest.
        carried: Carried,
    },
}

/// What a request's access token turned out to be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Presented<U> {
    /// It does not verify: never ours, or tampered with.
    Invalid,
    /// It is ours, and it is over: expired, revoked, or its account is gone, disabled or under another epoch.
    Over,
    /// It answers for this account.
    Live(U, Carried),
}

/// Reads a token without asking anybody.
#[must_use]
pub fn read<U: AuthUser>(engine: &Engine<U>, policy: &BearerPolicy, token: &str) -> Read<U::Id> {
    let claims = match access::read(&engine.tokens, &rules(policy), token, engine.now()) {
        Verdict::Good(claims) => claims,
        Verdict::Expired => return Read::Expired,
        Verdict::Invalid => return Read::Invalid,
    };
    let AccessClaims {
        sub,
        ver,
        exp,
        iat,
        sid,
        scopes,
        extra,
        ..
    } = claims;
    // Only the canonical spelling: two texts must not be one account. Somebody we cannot have meant is nobody.
    let Some(key) = <U::Id as AccountKey>::Inner::parse_canonical(&sub) else {
        return Read::Expired;
    };
    Read::Good {
        user: U::Id::from_inner(key),
        token_version: ver,
        carried: Carried {
            scopes: declared(policy.scopes, scopes.iter().map(String::as_str)),
            family: sid,
            exp,
            iat,
            claims: extra,
        },
    }
}

/// Finds the account of an access token, in one statement: with the family that the token was made from, so that both end
/// together.
///
/// # Errors
/// When the database cannot be asked.
pub async fn look_up<U: AuthUser>(
    engine: &Engine<U>,
    policy: &BearerPolicy,
    token: &str,
) -> Result<Presented<U>> {
    let (id, token_version, carried) = match read(engine, policy, token) {
        Read::Good {
            user,
            token_version,
            carried,
        } => (user, token_version, carried),
        Read::Expired => return Ok(Presented::Over),
        Read::Invalid => return Ok(Presented::Invalid),
    };
    let found = match &carried.family {
        Some(family) => engine.store.by_family(family, engine.now()).await?,
        None => engine.store.by_id(&id).await?,
    };
    let live = found.filter(|user| {
        user.id().as_inner() == id.as_inner()
            && user.account().token_version == token_version
            && engine.admits(user)
    });
    Ok(live.map_or(Presented::Over, |user| Presented::Live(user, carried)))
}

/// By what a token is judged, and how one is made.
pub(super) fn rules(policy: &BearerPolicy) -> AccessRules {
    AccessRules {
        typ: policy.typ,
        issuer: policy.issuer,
        audience: policy.audience,
        lifetime: policy.access,
        leeway: LEEWAY,
    }
}

/// How far two clocks may be apart (SEC-070).
const LEEWAY: std::time::Duration = std::time::Duration::from_secs(30);
