//! Sessions in use, and their end.

use std::sync::Arc;
use std::time::Duration;

use crate::account::AuthUser;
use crate::crypto::{Purpose, compare};
use crate::engine::{Client, Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo};
use crate::store::SessionRow;

/// A recorded use younger than this is not written again.
const COARSE: Duration = Duration::from_mins(1);

/// A session that answers for a request.
#[derive(Debug)]
pub struct Live<U> {
    /// Its record.
    pub session: SessionRow,
    /// Its account.
    pub user: U,
}

/// The live session behind a cookie. Reads only, but for a session that is found to have expired: it is deleted, so
/// that it stays dead if the clock is set back (SEC-141).
///
/// # Errors
/// When the database cannot be asked.
pub async fn look_up<U: AuthUser>(engine: &Engine<U>, cookie: &str) -> Result<Option<Live<U>>> {
    // What we issue is 43 characters of base64url; anything else was not issued and is not looked up (SEC-046).
    let issued = |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_');
    // All of them without a branch, which the compiler does sixteen at a time.
    if cookie.len() != 43 || !cookie.bytes().fold(true, |all, byte| all & issued(byte)) {
        return Ok(None);
    }
    // One digest per secret in force; one, unless a rotation is under way.
    for key in engine.keys.macs(Purpose::Session, cookie.as_bytes()) {
        if let Some((session, user)) = engine.store.session(&key).await? {
            let now = engine.now();
            if session.expires_at <= now || session.absolute_at <= now {
                if let Err(error) = engine.store.bury(&key, now).await {
                    tracing::warn!(%error, "an expired session is left to the sweeper");
                }
                return Ok(None);
            }
            return Ok(is_live(engine, &session, &user).then_some(Live { session, user }));
        }
    }
    Ok(None)
}

fn is_live<U: AuthUser>(engine: &Engine<U>, session: &SessionRow, user: &U) -> bool {
    session.token_version == user.account().token_version && engine.admits(user)
}

/// Whether the session's last recorded use is old enough for another record.
#[must_use]
pub fn is_stale<U: AuthUser>(engine: &Engine<U>, session: &SessionRow) -> bool {
    session.last_activity <= engine.now().minus(COARSE)
}

/// Records that the session is in use, unless somebody has done so within a minute.
///
/// # Errors
/// When the database cannot be written.
pub async fn touch<U: AuthUser>(engine: &Engine<U>, session: &SessionRow) -> Result<()> {
    let now = engine.now();
    engine.store.touch(session, now, now.minus(COARSE)).await
}

/// Whether `token` is this session's CSRF token.
#[must_use]
pub fn csrf_matches<U: AuthUser>(engine: &Engine<U>, session: &SessionRow, token: &str) -> bool {
    let Some(stored) = &session.csrf else {
        return false;
    };
    engine
        .keys
        .macs(Purpose::Csrf, token.as_bytes())
        .any(|mac| compare::equal(&mac, stored))
}

/// The session's CSRF token: the presented one if it is still good, else a new one that replaces it at once.
///
/// # Errors
/// When the database or the random source fails.
pub async fn refresh_csrf<U: AuthUser>(
    engine: &Engine<U>,
    session: &SessionRow,
    presented: Option<&str>,
) -> Result<Refreshed> {
    if let Some(token) = presented.filter(|token| csrf_matches(engine, session, token)) {
        return Ok(Refreshed::Kept(token.to_owned()));
    }
    let token = engine.random.hex_token()?;
    let digest = engine.keys.mac(Purpose::Csrf, token.as_bytes());
    let mut known = session.csrf;
    // Two pages that have both lost the token replace it one after the other: neither is told that it is signed out.
    // Whoever has to try again does so because somebody else got through.
    loop {
        if engine
            .store
            .set_csrf(&session.key, known.as_ref(), &digest)
            .await?
        {
            return Ok(Refreshed::Replaced(token));
        }
        match engine.store.session(&session.key).await? {
            Some((now, user)) if is_live(engine, &now, &user) && now.expires_at > engine.now() => {
                known = now.csrf;
            }
            _ => return Ok(Refreshed::Gone),
        }
    }
}

/// What became of it. Holds a secret, so it cannot be compared.
#[derive(Clone)]
pub enum Refreshed {
    /// The session has ended meanwhile.
    Gone,
    /// The presented token is good.
    Kept(String),
    /// The old token is dead; this is the new one.
    Replaced(String),
}

impl std::fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refreshed([redacted])")
    }
}

/// Ends the session of a principal who signs out.
///
/// # Errors
/// When the database cannot be written.
pub async fn sign_out<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    live: &Live<U>,
    client: &Client,
) -> Result<()> {
    let key = live.session.key;
    let account = AccountInfo::of(&live.user);
    let origin = engine.origin(client, Some("session"), Some(&key));
    let engine = Arc::clone(engine);
    detached(async move {
        if engine.store.end(&key, None).await? {
            engine
                .hooks
                .after_logout(&AccountEvent { account, origin })
                .await;
        }
        Ok(())
    })
    .await
}
