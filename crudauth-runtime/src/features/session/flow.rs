//! Opening, using and ending cookie sessions.

use std::sync::Arc;
use std::time::Duration;

use crate::account::{AccountKey, AuthUser, Role};
use crate::attempt::{Admission, Attempt, Subject};
use crate::crypto::{Normalized, Purpose, compare};
use crate::engine::{Client, Engine, detached, hex};
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo, Lockout, LoginFailed, LoginFailure};
use crate::identity::parse_email;
use crate::policy::SessionPolicy;
use crate::store::{Digest, LoginField, NewSession, SessionRow};

/// A recorded use younger than this is not written again.
const COARSE: Duration = Duration::from_mins(1);
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

/// Proof that a flow authenticated `user`. Only flows of this crate make one, and only it opens a session.
#[derive(Debug)]
pub(crate) struct Authenticated<U> {
    pub(crate) user: U,
}

/// A session that has just been opened, with its secrets in the clear for the cookies.
pub struct Opened<U> {
    /// The account.
    pub user: U,
    /// Value of the session cookie.
    pub id: String,
    /// The CSRF token; empty where CSRF is off.
    pub csrf: String,
    /// Value of the device cookie.
    pub device: String,
    /// Whether the cookies outlive the browser.
    pub remember: bool,
    /// Digest of the session id.
    pub key: Digest,
}

impl<U> std::fmt::Debug for Opened<U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened([redacted])")
    }
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
        Some(user) if verdict.ok && user.account().is_active => user,
        found => {
            attempt.failed().await?;
            let inactive = verdict.ok;
            return Ok(refused(engine, request, found, inactive).await);
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
    inactive: bool,
) -> SignInOutcome<U> {
    let reason = if inactive {
        LoginFailure::Inactive
    } else {
        LoginFailure::InvalidCredentials
    };
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

/// How a session is to be opened.
pub(crate) struct Opening<U: AuthUser> {
    pub(crate) remember: bool,
    pub(crate) presented: Option<String>,
    /// A device cookie of this account, kept as it is.
    pub(crate) device: Option<String>,
    pub(crate) client: Client,
    pub(crate) attempt: Option<Attempt<U>>,
}

/// Opens a session for somebody a flow has authenticated. The id is always new (session fixation, OWASP Session
/// Management Cheat Sheet), and the presented session ends in the same transaction. `None` when the account was
/// disabled, deleted or given another password between the proof and that transaction.
pub(crate) async fn open<U: AuthUser>(
    engine: &Engine<U>,
    policy: &SessionPolicy,
    proof: Authenticated<U>,
    mut opening: Opening<U>,
) -> Result<Option<Opened<U>>> {
    let user = proof.user;
    let id = engine.random.token()?;
    let csrf = if policy.csrf {
        engine.random.hex_token()?
    } else {
        String::new()
    };
    let device = match opening.device.take() {
        Some(device) => device,
        None => new_device(engine, &user)?,
    };
    let key = engine.keys.mac(Purpose::Session, id.as_bytes());
    let (idle, absolute) = if opening.remember {
        (policy.remember_me, policy.remember_me)
    } else {
        (policy.idle, policy.absolute)
    };
    let session = NewSession {
        key,
        user: user.id(),
        csrf: policy
            .csrf
            .then(|| engine.keys.mac(Purpose::Csrf, csrf.as_bytes())),
        token_version: user.account().token_version,
        now: engine.now(),
        idle,
        absolute,
        remember: opening.remember,
        ip: opening.client.ip.map(|ip| ip.to_string()),
        user_agent: opening.client.user_agent.clone(),
        presented: opening
            .presented
            .map(|id| engine.keys.mac(Purpose::Session, id.as_bytes())),
        max_sessions: policy.max_sessions,
        attempt: opening.attempt.as_mut().and_then(Attempt::proven),
        clear_address: engine.policy.lockout.clear_address,
    };
    if !engine.store.open(session).await? {
        return Ok(None);
    }
    if let Some(attempt) = opening.attempt {
        attempt.settled();
    }
    Ok(Some(Opened {
        user,
        id,
        csrf,
        device,
        remember: opening.remember,
        key,
    }))
}

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
    if cookie.len() != 43
        || !cookie
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    {
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
            return Ok(is_live(&session, &user).then_some(Live { session, user }));
        }
    }
    Ok(None)
}

fn is_live<U: AuthUser>(session: &SessionRow, user: &U) -> bool {
    let account = user.account();
    session.token_version == account.token_version && account.is_active
}

/// Records that the session is in use, at most once a minute.
///
/// # Errors
/// When the database cannot be written.
pub async fn touch<U: AuthUser>(engine: &Engine<U>, session: &SessionRow) -> Result<()> {
    let now = engine.now();
    let coarse = now.minus(COARSE);
    if session.last_activity > coarse {
        return Ok(());
    }
    engine.store.touch(session, now, coarse).await
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
            Some((now, user)) if is_live(&now, &user) && now.expires_at > engine.now() => {
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

/// The nonce of a device cookie, if it was issued to a browser that signed in to this account.
fn known_device<'a, U: AuthUser>(engine: &Engine<U>, user: &U, cookie: &'a str) -> Option<&'a str> {
    let (nonce, mac) = cookie.split_once('.')?;
    let mac = crate::engine::unhex(mac)?;
    engine
        .keys
        .verify(Purpose::Device, &device_message(user, nonce), &mac)
        .then_some(nonce)
}

/// OWASP Authentication Cheat Sheet, device cookies: a nonce and a keyed digest that binds it to the account.
fn new_device<U: AuthUser>(engine: &Engine<U>, user: &U) -> Result<String> {
    let nonce = engine.random.token()?;
    let mac = engine
        .keys
        .mac(Purpose::Device, &device_message(user, &nonce));
    Ok(format!("{nonce}.{}", hex(&mac)))
}

fn device_message<U: AuthUser>(user: &U, nonce: &str) -> Vec<u8> {
    format!("{}\0{nonce}", user.id().as_inner()).into_bytes()
}
