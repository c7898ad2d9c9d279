//! Opening a session for somebody a flow has authenticated.

use crate::account::AuthUser;
use crate::attempt::Attempt;
use crate::authenticate::Authenticated;
use crate::crypto::Purpose;
use crate::device::new_device;
use crate::engine::{Client, Engine};
use crate::error::Result;
use crate::policy::SessionPolicy;
use crate::store::{Digest, NewSession};

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
