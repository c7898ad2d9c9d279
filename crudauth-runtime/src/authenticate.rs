//! Proving an account by identifier and password: the same for every transport that a sign-in may open, with one budget.

use std::sync::Arc;

use crate::account::{AuthUser, Role};
use crate::attempt::{Admission, Attempt, Subject};
use crate::crypto::Normalized;
use crate::device::known_device;
use crate::engine::{Client, Engine};
use crate::error::Result;
use crate::hooks::{AccountInfo, Lockout, LoginFailed, LoginFailure};
use crate::identity::parse_email;
use crate::store::LoginField;

/// Identifiers longer than this name nobody, and are not looked up.
const LONGEST_IDENTIFIER: usize = 1024;

/// An identifier and a password, as they came.
#[derive(Debug)]
pub struct Credentials<'a> {
    /// E-mail address or user name, as typed.
    pub identifier: &'a str,
    /// The password; `None` when it was longer than any password can be.
    pub password: Option<Normalized>,
    /// The device cookie that came along.
    pub device: Option<&'a str>,
    /// Who asks.
    pub client: &'a Client,
    /// What a success would open, for the hooks.
    pub transport: &'static str,
}

/// Proof that a flow authenticated `user`. Only flows of this crate make one, and only it opens a session or issues a token.
#[derive(Debug)]
pub(crate) struct Authenticated<U> {
    pub(crate) user: U,
}

/// Somebody who gave the right password.
pub(crate) struct Proven<U: AuthUser> {
    pub(crate) proof: Authenticated<U>,
    /// To be settled by whatever the sign-in opens.
    pub(crate) attempt: Attempt<U>,
    /// The device cookie, if it was issued for this account.
    pub(crate) device: Option<String>,
}

/// What became of it.
pub(crate) enum Verdict<U: AuthUser> {
    /// The budget is spent, for this many seconds; the password was not looked at.
    Locked(u64),
    /// Right.
    Proven(Proven<U>),
    /// Unknown, wrong or disabled: one variant, so that no caller can tell them apart (OWASP Authentication Cheat
    /// Sheet, authentication responses).
    Refused,
}

/// Looks the account up, counts the attempt, and verifies the password.
///
/// # Errors
/// When the database or the hashing queue fails.
pub(crate) async fn prove<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    request: &Credentials<'_>,
) -> Result<Verdict<U>> {
    let Some(password) = &request.password else {
        return Ok(Verdict::Refused);
    };
    let found = find(engine, request.identifier).await?;
    let subject = found
        .as_ref()
        .map_or(Subject::Unknown(request.identifier), Subject::Account);
    let device = found
        .as_ref()
        .and_then(|user| known_device(engine, user, request.device?));
    let mut attempt = match Attempt::admit(engine, request.client, &subject, device).await? {
        Admission::Granted(attempt) => attempt,
        Admission::Locked(retry_after) => {
            return Ok(locked(engine, request, found, retry_after).await);
        }
    };
    let stored = found.as_ref().and_then(|user| user.account().password_hash);
    attempt.evaluating();
    let verdict = match engine
        .passwords
        .verify(password, stored, request.client.key())
        .await
    {
        Ok(verdict) => verdict,
        Err(error) => {
            attempt.released().await?; // the queue was full: nobody guessed anything
            return Err(error);
        }
    };
    let user = match found {
        Some(user) if verdict.ok && engine.admits(&user) => user,
        found => {
            attempt.failed().await?;
            let active = found.as_ref().is_some_and(|user| user.account().is_active);
            let reason = match (verdict.ok, active) {
                (false, _) => LoginFailure::InvalidCredentials,
                (true, false) => LoginFailure::Inactive,
                (true, true) => LoginFailure::Unverified,
            };
            return Ok(refused(engine, request, found, reason).await);
        }
    };
    attempt.proven();
    let user = if verdict.rehash {
        rehash(engine, user, password, request.client).await?
    } else {
        user
    };
    Ok(Verdict::Proven(Proven {
        proof: Authenticated { user },
        attempt,
        device: device.and(request.device).map(str::to_owned),
    }))
}

/// The account that `identifier` names. An address is matched in its canonical form, a user name exactly as stored;
/// since no user name looks like an address, one look-up decides.
async fn find<U: AuthUser>(engine: &Engine<U>, identifier: &str) -> Result<Option<U>> {
    if identifier.len() > LONGEST_IDENTIFIER || identifier.contains('\0') {
        return Ok(None);
    }
    if U::TABLE.has(Role::Email)
        && let Ok(email) = parse_email(identifier)
    {
        return engine
            .store
            .by_login(LoginField::Email, email.as_str())
            .await;
    }
    if !U::TABLE.has(Role::Username) {
        return Ok(None);
    }
    engine
        .store
        .by_login(LoginField::Username, identifier)
        .await
}

async fn locked<U: AuthUser>(
    engine: &Engine<U>,
    request: &Credentials<'_>,
    found: Option<U>,
    retry_after: u64,
) -> Verdict<U> {
    let origin = engine.origin(request.client, Some(request.transport), None);
    let account = found.as_ref().map(AccountInfo::of);
    engine
        .hooks
        .lockout(&Lockout {
            account,
            retry_after,
            origin,
        })
        .await;
    Verdict::Locked(retry_after)
}

async fn refused<U: AuthUser>(
    engine: &Engine<U>,
    request: &Credentials<'_>,
    found: Option<U>,
    reason: LoginFailure,
) -> Verdict<U> {
    let origin = engine.origin(request.client, Some(request.transport), None);
    let account = found.as_ref().map(AccountInfo::of);
    let identifier = request
        .identifier
        .chars()
        .take(LONGEST_IDENTIFIER)
        .collect();
    engine
        .hooks
        .login_failed(&LoginFailed {
            account,
            identifier,
            reason,
            origin,
        })
        .await;
    Verdict::Refused
}

/// Stores the password under today's parameters. Of two sign-ins that get here at once, one wins; both hold a hash of
/// the same password.
async fn rehash<U: AuthUser>(
    engine: &Engine<U>,
    user: U,
    password: &Normalized,
    client: &Client,
) -> Result<U> {
    let new = engine.passwords.hash(password, client.key()).await?;
    if let Some(old) = user.account().password_hash {
        engine.store.rehash(user.id(), old, &new).await?;
    }
    Ok(user)
}
