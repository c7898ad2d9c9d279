//! Renewing an access token.

use std::sync::Arc;
use std::time::Duration;

use super::issue::{Extra, Issued, access_token};
use super::{declared, is_live};
use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::crypto::{Redemption, RefreshToken};
use crate::engine::{Client, Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo};
use crate::policy::{BearerPolicy, RefreshPolicy};
use crate::store::families::FamilyRow;

/// What a refresh token gave.
#[derive(Debug)]
#[non_exhaustive]
pub enum Renewed<U> {
    /// Nothing: unknown, expired, spent, revoked, or its account is gone, disabled or under another epoch.
    Dead,
    /// A new access token, and the successor of the refresh token where tokens are rotated.
    Issued(Box<Issued<U>>),
}

/// Renews an access token. The refresh token is replaced by one conditional statement, so that of any number of callers
/// one replaces it; the others get the same successor, as does who sends it again within the grace period (a lost answer,
/// two tabs). An older one that comes back is in two hands, and the whole family ends (RFC 9700 §4.14.2).
///
/// # Errors
/// When the database or the random source fails.
pub async fn renew<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    policy: &BearerPolicy,
    text: &str,
    client: impl FnOnce() -> Client,
    extra: Extra<U>,
) -> Result<Renewed<U>> {
    let Some(refresh) = &policy.refresh else {
        return Ok(Renewed::Dead);
    };
    // What none of our keys has made is not looked up, and cannot end anybody's family.
    let Some(token) = RefreshToken::parse(&engine.keys, text) else {
        return Ok(Renewed::Dead);
    };
    let id = token.family();
    loop {
        let Some((row, user)) = engine.store.family(&id).await? else {
            return Ok(Renewed::Dead);
        };
        if !lives(engine, &id, &row, &user).await? {
            return Ok(Renewed::Dead);
        }
        let successor = match judge(engine, refresh, &token, &row) {
            Judged::Stands => None,
            Judged::Again(successor) => Some(successor),
            Judged::Present => {
                let next = token.next(&engine.keys);
                let (generation, now) = (token.generation(), engine.now());
                if !engine
                    .store
                    .rotate(&id, generation, &next.digest(), now)
                    .await?
                {
                    continue; // somebody else did, or the family has ended: the row tells
                }
                Some(next)
            }
            Judged::Spent => {
                // To its end whoever hangs up: a thief must not be able to keep it quiet.
                let what = "a spent refresh token";
                detached(reused(what, Arc::clone(engine), id, user, client())).await?;
                return Ok(Renewed::Dead);
            }
            Judged::Foreign => return Ok(Renewed::Dead),
        };
        let left = row.expires_at.since(engine.now());
        let scopes = declared(policy.scopes, row.scopes.split(' '));
        let extra = extra(&user)?;
        let (access, expires_in) =
            access_token(engine, policy, &user, Some(&id), &scopes, extra, Some(left))?;
        return Ok(Renewed::Issued(Box::new(Issued {
            user,
            access,
            expires_in,
            scopes,
            refresh: successor.map(|token| (token.write(), left)),
            device: None,
        })));
    }
}

/// Whether the family and its account still answer. One that is found to have expired is deleted, so that it stays dead if
/// the clock is set back (SEC-141).
async fn lives<U: AuthUser>(
    engine: &Engine<U>,
    id: &str,
    row: &FamilyRow,
    user: &U,
) -> Result<bool> {
    let now = engine.now();
    if row.expires_at <= now {
        engine.store.end_family(id, None).await?;
    }
    Ok(is_live(engine, row, user, now))
}

enum Judged {
    /// The one just replaced, within the grace period: its successor.
    Again(RefreshToken),
    /// Genuine, and not what the row is about: it was made under a secret that the row's was not.
    Foreign,
    /// The present one, to be replaced.
    Present,
    /// It has been replaced, and longer ago than an answer gets lost.
    Spent,
    /// The present one, and tokens are not replaced.
    Stands,
}

fn judge<U: AuthUser>(
    engine: &Engine<U>,
    policy: &RefreshPolicy,
    token: &RefreshToken,
    row: &FamilyRow,
) -> Judged {
    let behind = row.generation.saturating_sub(token.generation());
    match behind {
        0 if !token.matches(&row.secret) => Judged::Foreign,
        0 if policy.rotate => Judged::Present,
        0 => Judged::Stands,
        1 if within(policy.grace, engine.now(), row.rotated_at) => {
            match token.next_of(&engine.keys, &row.secret) {
                Some(successor) => Judged::Again(successor),
                None => Judged::Foreign,
            }
        }
        // A family is ahead of its row only after the database was set back; that is nobody's theft.
        ..0 => Judged::Foreign,
        _ => Judged::Spent,
    }
}

/// Whether two instants are at most `grace` apart. Either way: the clocks of two servers are never quite the same, and one
/// that is set back by more does not make a spent token good again (SEC-141).
fn within(grace: Duration, now: Timestamp, rotated_at: Timestamp) -> bool {
    now.since(rotated_at).max(rotated_at.since(now)) <= grace
}

/// A code has come back with its verifier, and is in two hands as a spent token is: what was given for it ends. So it is where an
/// app redeems one twice, which signs in again. Where there are no families, access tokens run out.
pub(crate) async fn replayed<U: AuthUser>(
    engine: Arc<Engine<U>>,
    redemption: Redemption,
    client: Client,
) -> Result<()> {
    let id = redemption.family();
    match engine.store.family(&id).await? {
        Some((_, user)) => reused("a spent code", engine, id, user, client).await,
        None => Ok(()),
    }
}

/// What is spent is in two hands, and nobody knows in which the present token is.
async fn reused<U: AuthUser>(
    what: &'static str,
    engine: Arc<Engine<U>>,
    id: String,
    user: U,
    client: Client,
) -> Result<()> {
    if !engine.store.end_family(&id, Some(user.id())).await? {
        return Ok(()); // ended meanwhile, and told
    }
    tracing::warn!(family = id, "{what} came back: its family is ended");
    let event = AccountEvent {
        account: AccountInfo::of(&user),
        origin: engine.origin_of(&client, Some("bearer"), Some(id)),
    };
    engine.hooks.refresh_token_reused(&event).await;
    Ok(())
}
