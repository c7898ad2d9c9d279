//! Ending tokens, and saying what one is.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::access::{Presented, look_up};
use super::{declared, is_live};
use crate::account::{AccountKey, AuthUser};
use crate::crypto::RefreshToken;
use crate::engine::{Client, Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo};
use crate::policy::BearerPolicy;

/// Ends the family of a token that belongs to `owner`: of a refresh token of any generation, or of an access token
/// (RFC 7009 §2.1). Anything else is no token of theirs, which is what they wanted.
///
/// # Errors
/// When the database cannot be written.
pub async fn revoke<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    policy: &BearerPolicy,
    owner: &U,
    text: &str,
    client: &Client,
) -> Result<()> {
    let family = match RefreshToken::parse(&engine.keys, text) {
        Some(token) => Some(token.family()),
        None => match look_up(engine, policy, text).await? {
            Presented::Live(_, carried) => carried.family,
            Presented::Over | Presented::Invalid => None,
        },
    };
    match family {
        Some(family) => end(engine, &family, AccountInfo::of(owner), client).await,
        None => Ok(()),
    }
}

/// Ends the family of the refresh token that somebody signs out with. Whoever holds it may.
///
/// # Errors
/// When the database cannot be written.
pub async fn sign_out<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    text: &str,
    client: &Client,
) -> Result<()> {
    let Some(token) = RefreshToken::parse(&engine.keys, text) else {
        return Ok(());
    };
    let family = token.family();
    match engine.store.family(&family).await? {
        Some((_, user)) => end(engine, &family, AccountInfo::of(&user), client).await,
        None => Ok(()),
    }
}

/// Ends a family of the account's, if it is one, and tells the hooks.
async fn end<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    family: &str,
    account: AccountInfo<U::Id>,
    client: &Client,
) -> Result<()> {
    let origin = engine.origin_of(client, Some("bearer"), Some(family.to_owned()));
    let (engine, family) = (Arc::clone(engine), family.to_owned());
    detached(async move {
        if engine.store.end_family(&family, Some(&account.id)).await? {
            let event = AccountEvent { account, origin };
            engine.hooks.after_logout(&event).await;
        }
        Ok(())
    })
    .await
}

/// What introspection says of a live token.
#[derive(Debug)]
pub struct Description<U> {
    /// Whose it is.
    pub user: U,
    /// What it may be used for.
    pub scopes: Vec<&'static str>,
    /// Seconds since 1970 when it ends.
    pub exp: i64,
    /// Seconds since 1970 when it was made.
    pub iat: i64,
    /// Whether it is a refresh token.
    pub refresh: bool,
    /// The application's own claims.
    pub claims: Map<String, Value>,
}

/// Describes a live token that `asker` may know about: their own, or anybody's where they are a superuser. `None` for all
/// else, however it came to be dead (RFC 7662 §2.2).
///
/// # Errors
/// When the database cannot be asked.
pub async fn describe<U: AuthUser>(
    engine: &Engine<U>,
    policy: &BearerPolicy,
    asker: &U,
    text: &str,
) -> Result<Option<Description<U>>> {
    let described = match RefreshToken::parse(&engine.keys, text) {
        Some(token) => describe_refresh(engine, policy, &token).await?,
        None => describe_access(engine, policy, text).await?,
    };
    Ok(described.filter(|described| {
        asker.account().is_superuser || described.user.id().as_inner() == asker.id().as_inner()
    }))
}

async fn describe_refresh<U: AuthUser>(
    engine: &Engine<U>,
    policy: &BearerPolicy,
    token: &RefreshToken,
) -> Result<Option<Description<U>>> {
    let Some((row, user)) = engine.store.family(&token.family()).await? else {
        return Ok(None);
    };
    let live = token.generation() == row.generation
        && token.matches(&row.secret)
        && is_live(engine, &row, &user, engine.now());
    Ok(live.then(|| Description {
        user,
        scopes: declared(policy.scopes, row.scopes.split(' ')),
        exp: row.expires_at.as_secs(),
        iat: row.rotated_at.as_secs(),
        refresh: true,
        claims: Map::new(),
    }))
}

async fn describe_access<U: AuthUser>(
    engine: &Engine<U>,
    policy: &BearerPolicy,
    text: &str,
) -> Result<Option<Description<U>>> {
    let Presented::Live(user, carried) = look_up(engine, policy, text).await? else {
        return Ok(None);
    };
    Ok(Some(Description {
        user,
        scopes: carried.scopes,
        exp: carried.exp,
        iat: carried.iat,
        refresh: false,
        claims: carried.claims,
    }))
}
