//! A pair of tokens for somebody a flow has authenticated.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::access::rules;
use super::declared;
use crate::account::{AccountKey, AuthUser};
use crate::attempt::Attempt;
use crate::authenticate::{Authenticated, Credentials, Proven, Verdict, prove};
use crate::crypto::access::{self, NewClaims};
use crate::crypto::{Redemption, RefreshToken};
use crate::device::new_device;
use crate::engine::{Client, Engine, detached};
use crate::error::{Error, Result};
use crate::hooks::{AccountEvent, AccountInfo};
use crate::policy::BearerPolicy;
use crate::secret::SecretText;
use crate::store::families::NewFamily;

/// What the application adds to the claims of an account's tokens.
pub(crate) type Extra<U> = fn(&U) -> Result<Map<String, Value>>;

/// A request for tokens by password.
pub struct SignIn<'a, U> {
    /// Who says so.
    pub credentials: Credentials<'a>,
    /// The scopes that were asked for; `None` for none.
    pub scope: Option<&'a str>,
    /// What the application adds to the claims.
    pub extra: fn(&U) -> Result<Map<String, Value>>,
}

impl<U> std::fmt::Debug for SignIn<'_, U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn([redacted])")
    }
}

/// What became of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum GrantOutcome<U: AuthUser> {
    /// The budget is spent, for this many seconds; the password was not looked at.
    Locked(u64),
    /// Unknown, wrong or disabled.
    Refused,
    /// Tokens.
    Granted(Box<Issued<U>>),
}

/// Tokens in the clear, for one answer.
pub struct Issued<U> {
    /// Whose.
    pub user: U,
    /// The access token.
    pub access: SecretText,
    /// How long it is good.
    pub expires_in: Duration,
    /// What was granted.
    pub scopes: Vec<&'static str>,
    /// The refresh token and how long its family lives on, where it is a new one.
    pub refresh: Option<(SecretText, Duration)>,
    /// Value of the device cookie, where this is a sign-in.
    pub device: Option<String>,
}

impl<U> std::fmt::Debug for Issued<U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued([redacted])")
    }
}

/// Signs in with identifier and password: the budget, the hooks and the answers of `/login`.
///
/// # Errors
/// When the database, the random source or the hashing queue fails.
pub async fn sign_in<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    policy: &BearerPolicy,
    request: &SignIn<'_, U>,
) -> Result<GrantOutcome<U>> {
    let Proven {
        proof,
        attempt,
        device,
    } = match prove(engine, &request.credentials).await? {
        Verdict::Proven(proven) => proven,
        Verdict::Locked(retry_after) => return Ok(GrantOutcome::Locked(retry_after)),
        Verdict::Refused => return Ok(GrantOutcome::Refused),
    };
    let granting = Granting {
        scopes: granted(policy, request.scope),
        device,
        client: request.credentials.client.clone(),
        attempt: Some(attempt),
        redemption: None,
        extra: request.extra,
    };
    let granted = detached(grant(Arc::clone(engine), *policy, proof, granting));
    Ok(match granted.await? {
        Some(issued) => GrantOutcome::Granted(Box::new(issued)),
        None => GrantOutcome::Refused,
    })
}

/// What is granted of what was asked for (contract §1.11): nothing asked is the default, and what cannot be granted is left
/// out.
pub(crate) fn granted(policy: &BearerPolicy, asked: Option<&str>) -> Vec<&'static str> {
    let asked = asked.unwrap_or_default();
    if asked.split_ascii_whitespace().next().is_none() {
        return policy.default_scopes.to_vec();
    }
    declared(policy.scopes, asked.split_ascii_whitespace())
}

/// How tokens are to be issued.
pub(crate) struct Granting<U: AuthUser> {
    pub(crate) scopes: Vec<&'static str>,
    /// A device cookie of this account, kept as it is.
    pub(crate) device: Option<String>,
    pub(crate) client: Client,
    pub(crate) attempt: Option<Attempt<U>>,
    /// The one-time code that the tokens are for.
    pub(crate) redemption: Option<Redemption>,
    pub(crate) extra: Extra<U>,
}

/// Issues tokens to somebody a flow has authenticated. `None` when the account was disabled, deleted or given another
/// password between the proof and the transaction that opens the family, and when somebody else has spent the code.
pub(crate) async fn grant<U: AuthUser>(
    engine: Arc<Engine<U>>,
    policy: BearerPolicy,
    proof: Authenticated<U>,
    mut granting: Granting<U>,
) -> Result<Option<Issued<U>>> {
    let user = proof.user;
    let device = match granting.device.take() {
        Some(device) => device,
        None => new_device(&engine, &user)?,
    };
    let extra = (granting.extra)(&user)?;
    let scopes = granting.scopes;
    let (refresh, family) = if let Some(refresh) = policy.refresh {
        let token = match &granting.redemption {
            Some(redemption) => RefreshToken::redeemed(&engine.keys, redemption),
            None => RefreshToken::first(&engine.keys, &engine.random)?,
        };
        let now = engine.now();
        let (id, scopes) = (token.family(), scopes.join(" "));
        let family = NewFamily {
            id: &id,
            user: user.id(),
            secret: token.digest(),
            token_version: user.account().token_version,
            scopes: &scopes,
            now,
            expires_at: now.plus(refresh.ttl),
            code: granting.redemption.as_ref().map(|it| &it.code),
            attempt: granting.attempt.as_mut().and_then(Attempt::proven),
            clear_address: engine.policy.lockout.clear_address,
        };
        if !engine.store.open_family(family).await? {
            return Ok(None);
        }
        if let Some(attempt) = granting.attempt {
            attempt.settled();
        }
        (Some((token.write(), refresh.ttl)), Some(id))
    } else {
        if let Some(redemption) = &granting.redemption
            && !engine.store.spend_code(&redemption.code).await?
        {
            return Ok(None);
        }
        if let Some(attempt) = granting.attempt {
            attempt.succeeded().await?;
        }
        (None, None)
    };
    let left = refresh.as_ref().map(|(_, left)| *left);
    let (access, expires_in) = access_token(
        &engine,
        &policy,
        &user,
        family.as_deref(),
        &scopes,
        extra,
        left,
    )?;
    let event = AccountEvent {
        account: AccountInfo::of(&user),
        origin: engine.origin_of(&granting.client, Some("bearer"), family),
    };
    engine.hooks.after_login(&event).await;
    Ok(Some(Issued {
        user,
        access,
        expires_in,
        scopes,
        refresh,
        device: Some(device),
    }))
}

/// An access token and how long it is good: never longer than its family.
pub(super) fn access_token<U: AuthUser>(
    engine: &Engine<U>,
    policy: &BearerPolicy,
    user: &U,
    family: Option<&str>,
    scopes: &[&'static str],
    extra: Map<String, Value>,
    left: Option<Duration>,
) -> Result<(SecretText, Duration)> {
    let now = engine.now();
    let sub = user.id().as_inner().to_string();
    let claims = NewClaims {
        sub: &sub,
        ver: user.account().token_version,
        now,
        until: left.map(|left| now.plus(left)),
        jti: Some(&engine.random.token()?),
        sid: family,
        scopes,
        extra,
    };
    let token = access::issue(&engine.tokens, &rules(policy), &claims)?;
    let lifetime = left.map_or(policy.access, |left| policy.access.min(left));
    Ok((SecretText::from(token), lifetime))
}

/// The claims of `C`, as an object.
pub(crate) fn extra_of<U, C: super::Claims<U>>(user: &U) -> Result<Map<String, Value>> {
    match serde_json::to_value(C::of(user)) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) => Err(Error::config(
            "the type of `claims` is no struct of named fields",
        )),
        Err(error) => Err(Error::config(format!("the application's claims: {error}"))),
    }
}
