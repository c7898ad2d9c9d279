//! Signing in with identifier and password.

use std::sync::Arc;

use super::open::{Authenticated, Opened, Opening, known_device, open};
use crate::account::{AuthUser, Role};
use crate::attempt::{Admission, Attempt, Subject};
use crate::crypto::Normalized;
use crate::engine::{Client, Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo, Lockout, LoginFailed, LoginFailure};
use crate::identity::parse_email;
use crate::policy::SessionPolicy;
use crate::store::LoginField;

/// Identifiers longer than this name nobody, and are not looked up.
const LONGEST_IDENTIFIER: usize = 1024;

/// A request to sign in with a password.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// E-mail address or user name, as typed.
    pub identifier: &'a str,
    /// The password; `None` when it was longer than any password can be.
    pub password: Option<Normalized>,
    /// Keep the session beyond the browser's.
    pub remember: bool,
    /// The session cookie that came along: that session ends.
    pub presented: Option<&'a str>,
    /// The device cookie that came along.
    pub device: Option<&'a str>,
    /// Who asks.
    pub client: &'a Client,
}

/// What became of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignInOutcome<U: AuthUser> {
    /// The budget is spent, for this many seconds; the password was not looked at.
    Locked(u64),
    /// Unknown, wrong or disabled: one variant, so that no caller can tell them apart (OWASP Authentication Cheat
    /// Sheet, authentication responses).
    Refused,
    /// A session is open.
    SignedIn(Box<Opened<U>>),
}

/// Signs in with identifier and password.
///
/// # Errors
/// When the database, the random source or the hashing queue fails.
pub async fn sign_in<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    policy: &SessionPolicy,
    request: &SignIn<'_>,
) -> Result<SignInOutcome<U>> {
    let Some(password) = &request.password else {
        return Ok(SignInOutcome::Refused);
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
    let opening = Opening {
        remember: request.remember,
        presented: request.presented.map(str::to_owned),
        device: device.and(request.device).map(str::to_owned),
        client: request.client.clone(),
        attempt: Some(attempt),
    };
    let opened = open_and_tell(Arc::clone(engine), *policy, Authenticated { user }, opening);
    Ok(match detached(opened).await? {
        Some(opened) => SignInOutcome::SignedIn(Box::new(opened)),
        None => SignInOutcome::Refused,
    })
}

async fn open_and_tell<U: AuthUser>(
    engine: Arc<Engine<U>>,
    policy: SessionPolicy,
    proof: Authenticated<U>,
    opening: Opening<U>,
) -> Result<Option<Opened<U>>> {
    let client = opening.client.clone();
    let Some(opened) = open(&engine, &policy, proof, opening).await? else {
        return Ok(None);
    };
    let event = AccountEvent {
        account: AccountInfo::of(&opened.user),
        origin: engine.origin(&client, Some("session"), Some(&opened.key)),
    };
    engine.hooks.after_login(&event).await;
    Ok(Some(opened))
}

/// The account that `identifier` names. An address is matched in its canonical form, a user name exactly as stored;
/// since no user name looks like an address, one look-up decides.
pub(crate) async fn find<U: AuthUser>(engine: &Engine<U>, identifier: &str) -> Result<Option<U>> {
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
    request: &SignIn<'_>,
    found: Option<U>,
    retry_after: u64,
) -> SignInOutcome<U> {
    let origin = engine.origin(request.client, Some("session"), None);
    let account = found.as_ref().map(AccountInfo::of);
    engine
        .hooks
        .lockout(&Lockout {
            account,
            retry_after,
            origin,
        })
        .await;
    SignInOutcome::Locked(retry_after)
}

async fn refused<U: AuthUser>(
    engine: &Engine<U>,
    request: &SignIn<'_>,
    found: Option<U>,
    reason: LoginFailure,
) -> SignInOutcome<U> {
    let origin = engine.origin(request.client, Some("session"), None);
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
    SignInOutcome::Refused
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
