//! Signing in with identifier and password.

use std::sync::Arc;

use super::open::{Opened, Opening, open};
use crate::account::AuthUser;
use crate::authenticate::{Authenticated, Credentials, Proven, Verdict, prove};
use crate::engine::{Engine, detached};
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo};
use crate::policy::SessionPolicy;

/// A request to sign in with a password.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// Who says so.
    pub credentials: Credentials<'a>,
    /// Keep the session beyond the browser's.
    pub remember: bool,
    /// The session cookie that came along: that session ends.
    pub presented: Option<&'a str>,
}

/// What became of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignInOutcome<U: AuthUser> {
    /// The budget is spent, for this many seconds; the password was not looked at.
    Locked(u64),
    /// Unknown, wrong or disabled.
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
    let Proven {
        proof,
        attempt,
        device,
    } = match prove(engine, &request.credentials).await? {
        Verdict::Proven(proven) => proven,
        Verdict::Locked(retry_after) => return Ok(SignInOutcome::Locked(retry_after)),
        Verdict::Refused => return Ok(SignInOutcome::Refused),
    };
    let opening = Opening {
        remember: request.remember,
        presented: request.presented.map(str::to_owned),
        device,
        client: request.credentials.client.clone(),
        attempt: Some(attempt),
    };
    let opened = open_and_tell(Arc::clone(engine), *policy, proof, opening);
    Ok(match detached(opened).await? {
        Some(opened) => SignInOutcome::SignedIn(Box::new(opened)),
        None => SignInOutcome::Refused,
    })
}

/// Opens a session, and tells the hooks.
pub(crate) async fn open_and_tell<U: AuthUser>(
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
