//! From a request to a message: whose account, whether a message is due, and with which link.

use crate::account::{AuthUser, Role};
use crate::crypto::link::{ChangeEmail, LinkKind, LinkPurpose, ResetPassword, Verify};
use crate::engine::{Counted, Engine};
use crate::error::Result;
use crate::identity::parse_email;
use crate::links;
use crate::policy::Limit;
use crate::store::LoginField;
use crate::store::links::NewLink;
use crate::store::outbox::{Job, JobKind, Resolution};

/// What a row becomes; `None` where no message is due, of which nobody is told.
pub(super) async fn resolve<U: AuthUser>(
    engine: &Engine<U>,
    job: &Job<U::Id>,
) -> Result<Option<Job<U::Id>>> {
    let Some(user) = account(engine, job).await? else {
        return Ok(None);
    };
    if !user.account().is_active || !is_within(engine, job).await? {
        return Ok(None);
    }
    match job.kind {
        JobKind::Verify if user.account().verified == Some(true) => Ok(None),
        JobKind::Verify => {
            let link = issue::<U, Verify>(engine, &user, job, None)?;
            ready(engine, job, &user, user.account().factor, Some(link)).await
        }
        JobKind::Reset => {
            let link = issue::<U, ResetPassword>(engine, &user, job, None)?;
            ready(engine, job, &user, user.account().factor, Some(link)).await
        }
        JobKind::Change => change(engine, job, &user).await,
        JobKind::ExistingAccount => {
            // To the value in the row, never to what was typed (SEC-026).
            let account = user.account();
            let mailed = job.target.is_some() && account.email == job.target.as_deref();
            let recipient = if mailed {
                account.email
            } else {
                account.factor
            };
            ready(engine, job, &user, recipient, None).await
        }
        JobKind::EmailChanged | JobKind::IdentityLinked | JobKind::PasswordChanged => Ok(None), // written ready
    }
}

/// The account: the one that is named, or the one whose value the request named.
async fn account<U: AuthUser>(engine: &Engine<U>, job: &Job<U::Id>) -> Result<Option<U>> {
    if let Some(id) = &job.user {
        return engine.store.by_id(id).await;
    }
    let Some(target) = &job.target else {
        return Ok(None);
    };
    if job.kind == JobKind::ExistingAccount && is_address::<U>(target) {
        return engine.store.by_login(LoginField::Email, target).await;
    }
    engine.store.by_factor(target).await
}

fn is_address<U: AuthUser>(target: &str) -> bool {
    U::TABLE.has(Role::Email) && parse_email(target).is_ok()
}

/// Whether this target gets another message of this kind in the present window. Who asked too often is not told (SEC-030).
/// The message of a sign-up is not counted: it is the account's first.
async fn is_within<U: AuthUser>(engine: &Engine<U>, job: &Job<U::Id>) -> Result<bool> {
    let Some(target) = &job.target else {
        return Ok(true);
    };
    let limits = &engine.policy.rate_limit;
    let (action, limit): (_, Limit) = match job.kind {
        JobKind::Change => ("email_change_request to", limits.email_change_request),
        JobKind::ExistingAccount => ("existing_account_notice to", limits.existing_account_notice),
        JobKind::Reset => ("password_reset_request to", limits.password_reset_request),
        JobKind::Verify => ("email_verify_request to", limits.email_verify_request),
        JobKind::EmailChanged | JobKind::IdentityLinked | JobKind::PasswordChanged => {
            return Ok(true);
        }
    };
    let counted = engine.count(action, limit, target).await?;
    Ok(!matches!(counted, Counted::Over { .. }))
}

async fn change<U: AuthUser>(
    engine: &Engine<U>,
    job: &Job<U::Id>,
    user: &U,
) -> Result<Option<Job<U::Id>>> {
    let (Some(address), Some(state)) = (&job.target, &job.state) else {
        return Ok(None);
    };
    // Asked for under another password, or at another address: whoever asked is not who holds the account now.
    if !links::is_bound_to(engine, LinkKind::ChangeEmail, user, state)
        || engine.store.taken(Some(address), None, None).await?.email
    {
        return Ok(None);
    }
    let link = issue::<U, ChangeEmail>(engine, user, job, Some(address.clone()))?;
    ready(engine, job, user, Some(address), Some(link)).await
}

fn issue<U: AuthUser, P: LinkPurpose>(
    engine: &Engine<U>,
    user: &U,
    job: &Job<U::Id>,
    address: Option<String>,
) -> Result<NewLink> {
    links::issue::<U, P>(engine, user, address, job.redirect_to.clone())
}

async fn ready<U: AuthUser>(
    engine: &Engine<U>,
    job: &Job<U::Id>,
    user: &U,
    recipient: Option<&str>,
    link: Option<NewLink>,
) -> Result<Option<Job<U::Id>>> {
    let Some(recipient) = recipient else {
        return Ok(None);
    };
    let made = engine
        .store
        .resolve(&Resolution {
            job: &job.id,
            user: user.id(),
            recipient,
            link: link.as_ref(),
        })
        .await?;
    Ok(made.then(|| Job {
        user: Some(user.id().clone()),
        recipient: Some(recipient.to_owned()),
        link: link.map(|link| link.id),
        ..job.clone()
    }))
}
