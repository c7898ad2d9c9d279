//! From a row that is ready to a message that somebody has taken.

use crate::account::{AuthUser, Role};
use crate::crypto::link::{LinkKind, rewrite};
use crate::engine::Engine;
use crate::error::Result;
use crate::identity::parse_email;
use crate::mail::{Intent, Message, MessageContext, MessageKind, PATIENCE, SendError, render};
use crate::secret::SecretText;
use crate::store::links::LinkRow;
use crate::store::outbox::{Job, JobKind};

use super::Fate;

/// A link as it goes out.
struct Outgoing {
    token: SecretText,
    url: Option<String>,
    expires_in: u64,
}

pub(super) async fn deliver<U: AuthUser>(engine: &Engine<U>, job: &Job<U::Id>) -> Result<Fate> {
    let Some(recipient) = &job.recipient else {
        return Ok(Fate::Gone);
    };
    let (link, user) = match &job.link {
        Some(id) => match engine.store.link(id).await? {
            Some((row, user)) => match outgoing(engine, job, id, &row, &user) {
                Some(link) => (Some(link), Some(user)),
                None => return Ok(Fate::Gone),
            },
            None => return Ok(Fate::Gone), // replaced by a newer one, or its account is gone
        },
        None => (None, owner(engine, job).await?),
    };
    let kind = kind::<U>(job.kind);
    let expires_in = link.as_ref().map_or(0, |link| link.expires_in);
    let mut carried = Carried::default();
    if let Some(mailer) = engine
        .outlets
        .mailer
        .as_ref()
        .filter(|_| is_mailed::<U>(job.kind, recipient))
    {
        let context = MessageContext {
            kind,
            link: link.as_ref().and_then(|link| link.url.clone()),
            recipient: recipient.clone(),
            expires_in,
            frontend_url: engine.outlets.frontend_url.clone().unwrap_or_default(),
        };
        let message = Message {
            id: job.id.clone(),
            to: recipient.clone(),
            content: render(&context, engine.outlets.templates.as_deref()),
            context,
        };
        carried.record(job, within(mailer.send(&message)).await);
    }
    if let Some(user) = &user {
        let intent = Intent {
            id: &job.id,
            kind,
            token: link.as_ref().map(|link| link.token.expose().as_str()),
            link: link.as_ref().and_then(|link| link.url.as_deref()),
            user,
            recipient,
            expires_in,
        };
        for channel in &engine.outlets.channels {
            // Only who writes to the new address can prove it.
            if job.kind != JobKind::Change || channel.mails_recipient() {
                carried.record(job, within(channel.deliver(&intent)).await);
            }
        }
    }
    Ok(carried.fate(job))
}

/// What those who were asked to carry a message said.
#[derive(Default)]
struct Carried {
    taken: bool,
    later: bool,
}

impl Carried {
    fn record(&mut self, job: &Job<impl Sized>, said: Result<(), SendError>) {
        let (id, kind) = (job.id.as_str(), job.kind.name());
        match said {
            Ok(()) => self.taken = true,
            Err(error @ SendError::Permanent(_)) => {
                tracing::error!(%error, id, kind, "a message is dropped");
            }
            Err(error) => {
                self.later = true;
                tracing::warn!(%error, id, kind, "a message was not taken");
            }
        }
    }

    /// Once somebody has it, it is not sent again because another failed: the owner would get it twice.
    fn fate(&self, job: &Job<impl Sized>) -> Fate {
        if self.later && !self.taken {
            return Fate::Later;
        }
        if !self.taken {
            let (id, kind) = (job.id.as_str(), job.kind.name());
            tracing::error!(id, kind, "nobody carried a message");
        }
        Fate::Gone
    }
}

async fn within(sending: impl Future<Output = Result<(), SendError>>) -> Result<(), SendError> {
    tokio::time::timeout(PATIENCE, sending)
        .await
        .unwrap_or_else(|_| Err(SendError::temporary("it took longer than 30 s")))
}

/// Whose account a notice is about; only channels are told.
async fn owner<U: AuthUser>(engine: &Engine<U>, job: &Job<U::Id>) -> Result<Option<U>> {
    match &job.user {
        Some(id) if !engine.outlets.channels.is_empty() => engine.store.by_id(id).await,
        _ => Ok(None),
    }
}

/// The link, unless it is dead by now: spent, expired, or the account is not what it is bound to.
fn outgoing<U: AuthUser>(
    engine: &Engine<U>,
    job: &Job<U::Id>,
    id: &str,
    row: &LinkRow,
    user: &U,
) -> Option<Outgoing> {
    let (kind, path) = link_of(engine, job.kind)?;
    if row.used || row.expires_at <= engine.now() {
        return None;
    }
    // Before the state, which no other secret confirms either: this is what tells the two apart.
    let Some(token) = rewrite(&engine.keys, kind, id, &row.secret) else {
        let (id, kind) = (job.id.as_str(), job.kind.name());
        tracing::error!(
            id,
            kind,
            "a link was made under a secret that is not given any more; it is dropped"
        );
        return None;
    };
    if !crate::links::is_bound_to(engine, kind, user, &row.state) {
        return None;
    }
    let frontend = engine.outlets.frontend_url.as_deref();
    Some(Outgoing {
        url: frontend.map(|base| format!("{base}{path}?token={}", token.expose())),
        token,
        expires_in: match job.kind {
            JobKind::EmailChanged => 0, // a notice
            _ => row.expires_at.since(row.created_at).as_secs(),
        },
    })
}

fn link_of<U: AuthUser>(engine: &Engine<U>, kind: JobKind) -> Option<(LinkKind, &'static str)> {
    let policy = &engine.policy.recovery;
    match kind {
        JobKind::Change => Some((LinkKind::ChangeEmail, policy.change_path)),
        JobKind::EmailChanged => Some((LinkKind::UndoEmailChange, policy.undo_path)),
        JobKind::Reset => Some((LinkKind::ResetPassword, policy.reset_path)),
        JobKind::Verify => Some((LinkKind::Verify, policy.verify_path)),
        JobKind::ExistingAccount | JobKind::IdentityLinked | JobKind::PasswordChanged => None,
    }
}

fn kind<U: AuthUser>(kind: JobKind) -> MessageKind {
    match kind {
        JobKind::Change => MessageKind::ChangeEmail,
        JobKind::EmailChanged => MessageKind::EmailChanged,
        JobKind::ExistingAccount => MessageKind::ExistingAccount,
        JobKind::IdentityLinked => MessageKind::IdentityLinked,
        JobKind::PasswordChanged => MessageKind::PasswordChanged,
        JobKind::Reset => MessageKind::ResetPassword,
        JobKind::Verify if U::TABLE.recovers_by_email() => MessageKind::VerifyEmail,
        JobKind::Verify => MessageKind::VerifyRecovery,
    }
}

/// Whether the recipient is an e-mail address.
fn is_mailed<U: AuthUser>(kind: JobKind, recipient: &str) -> bool {
    match kind {
        JobKind::Change | JobKind::EmailChanged => true,
        JobKind::ExistingAccount => U::TABLE.has(Role::Email) && parse_email(recipient).is_ok(),
        _ => U::TABLE.recovers_by_email(),
    }
}
