//! Signing up, and setting and changing a password.

use std::sync::Arc;

use crate::account::{AuthUser, NewAccount, NewColumns, Role};
use crate::attempt::{self, Checked};
use crate::crypto::{ClientKey, Normalized, PasswordHash, Purpose, fold_identifier};
use crate::engine::{Client, Engine, Rotated, detached};
use crate::enrol::new_account;
use crate::error::Result;
use crate::hooks::{AccountEvent, AccountInfo, NewUser, Origin, SignUpSource};
use crate::outbox;
use crate::store::outbox::{Job, JobKind};
use crate::store::{Digest, Evict, Inserted, PasswordChange, Taken, Unfit};

/// A sign-up whose body has been read and checked for shape.
#[derive(Debug)]
pub struct SignUp<U: AuthUser> {
    /// Canonical address.
    pub email: Option<String>,
    /// User name as typed.
    pub username: Option<String>,
    /// The password, within the length limit.
    pub password: Normalized,
    /// The application's own columns.
    pub columns: U::Columns,
    /// Who creates it.
    pub source: SignUpSource,
    /// Whether the address counts as proven.
    pub email_verified: bool,
    /// Whether the account is a superuser.
    pub is_superuser: bool,
}

/// What became of a sign-up.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum SignUpOutcome<K> {
    /// The account exists now.
    Created(K),
    /// Something unique is taken, but by the time we looked nothing was.
    Exists,
    /// The address is taken.
    EmailTaken,
    /// A unique column of the application's own has this value already; the field's name.
    FieldTaken(&'static str),
    /// The table does not take a value.
    Unfit(Unfit),
    /// The user name is taken, as typed or in a form that looks the same.
    UsernameTaken,
}

/// Creates an account. The password has been judged and the request counted.
///
/// # Errors
/// When the database, the random source or the hashing queue fails.
pub async fn sign_up<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    sign_up: SignUp<U>,
    client: Option<&Client>,
) -> Result<SignUpOutcome<U::Id>> {
    let key = client.map_or(ClientKey::UNKNOWN, Client::key);
    // Hashed before anything is looked up, so that a taken address costs what a free one does.
    let password_hash = engine.passwords.hash(&sign_up.password, key).await?;
    let origin = match client {
        Some(client) => engine.origin(client, None, None),
        None => engine.origin(&Client::NONE, None, None),
    };
    detached(insert(Arc::clone(engine), sign_up, password_hash, origin)).await
}

async fn insert<U: AuthUser>(
    engine: Arc<Engine<U>>,
    mut sign_up: SignUp<U>,
    password_hash: PasswordHash,
    origin: Origin,
) -> Result<SignUpOutcome<U::Id>> {
    let folded = sign_up.username.as_deref().map(fold_identifier);
    let (email, username) = (sign_up.email.clone(), sign_up.username.clone());
    let names = Names {
        email: email.as_deref(),
        username: username.as_deref(),
        folded: folded.as_deref(),
    };
    let source = sign_up.source;
    let factor = factor(&sign_up);
    let seed = NewUser {
        email: names.email,
        username: names.username,
        source,
    };
    // Where messages go out, what is taken is told to its owner, and the answer over HTTP is alike.
    let alike = source == SignUpSource::Register && engine.policy.recovery.delivers();
    // Before anything is looked up where answers are alike: how long the application takes to fill its columns would tell
    // what is free.
    if alike {
        engine.hooks.new_user(&seed, &mut sign_up.columns).await;
    }
    if let Some(outcome) = taken(&engine, names, alike).await? {
        if alike {
            tell_owner(&engine, &outcome, names.email, factor.as_deref()).await?;
        }
        return Ok(outcome);
    }
    if !alike {
        engine.hooks.new_user(&seed, &mut sign_up.columns).await;
    }
    let is_superuser = sign_up.is_superuser;
    let new = NewAccount {
        email: sign_up.email,
        username: sign_up.username,
        email_verified: sign_up.email_verified,
        is_superuser,
        ..new_account(&engine, password_hash, sign_up.columns)?
    };
    let welcome = if alike {
        // A link that proves what the account is recovered by.
        Some(outbox::job(&engine, JobKind::Verify)?)
    } else {
        None
    };
    let id = match engine
        .store
        .insert(new, names.folded, welcome, None)
        .await?
    {
        Inserted::Created(id) => id,
        // The INSERT lost a race: ask again who was first, so that the loser's answer is the one the look-up gives.
        Inserted::Taken(own) => {
            let unseen = own.map_or(SignUpOutcome::Exists, |column| {
                SignUpOutcome::FieldTaken(column.field)
            });
            let outcome = taken(&engine, names, alike).await?.unwrap_or(unseen);
            if alike {
                tell_owner(&engine, &outcome, names.email, factor.as_deref()).await?;
            }
            return Ok(outcome);
        }
        Inserted::Unfit(unfit) => return Ok(SignUpOutcome::Unfit(unfit)),
    };
    engine.outlets.due.notify_one();
    let account = AccountInfo {
        id: id.clone(),
        email,
        username,
        is_active: true,
        is_superuser,
    };
    let event = AccountEvent { account, origin };
    if alike {
        // Not waited for: how long it takes would tell that the address was free.
        tokio::spawn(async move { engine.hooks.after_register(&event).await });
    } else {
        engine.hooks.after_register(&event).await;
    }
    Ok(SignUpOutcome::Created(id))
}

/// What of a sign-up must be nobody else's.
#[derive(Clone, Copy)]
struct Names<'a> {
    email: Option<&'a str>,
    username: Option<&'a str>,
    folded: Option<&'a str>,
}

/// Where every address is answered alike, `alike`, the name decides first: asked with a name that is known to be taken, the
/// answer would else tell whether the address is.
async fn taken<U: AuthUser>(
    engine: &Engine<U>,
    names: Names<'_>,
    alike: bool,
) -> Result<Option<SignUpOutcome<U::Id>>> {
    let Names {
        email,
        username,
        folded,
    } = names;
    Ok(match engine.store.taken(email, username, folded).await? {
        Taken { username: true, .. } if alike => Some(SignUpOutcome::UsernameTaken),
        Taken { email: true, .. } => Some(SignUpOutcome::EmailTaken),
        Taken { username: true, .. } => Some(SignUpOutcome::UsernameTaken),
        Taken { .. } => None,
    })
}

/// What a new account is recovered by, where the client says it at sign-up.
fn factor<U: AuthUser>(sign_up: &SignUp<U>) -> Option<String> {
    if U::TABLE.recovers_by_email() {
        sign_up.email.clone()
    } else {
        sign_up.columns.factor().map(str::to_owned)
    }
}

/// Whose value a stranger tried to register is told, as the stranger is not. One message either way (SEC-028).
async fn tell_owner<U: AuthUser>(
    engine: &Engine<U>,
    outcome: &SignUpOutcome<U::Id>,
    email: Option<&str>,
    factor: Option<&str>,
) -> Result<()> {
    let recovery = U::TABLE.column(Role::Recovery).map(|column| column.field);
    let target = match outcome {
        SignUpOutcome::EmailTaken => email,
        SignUpOutcome::FieldTaken(field) if recovery == Some(field) => factor,
        _ => return Ok(()),
    };
    let notice = Job {
        target: target.map(str::to_owned),
        ..outbox::job(engine, JobKind::ExistingAccount)?
    };
    engine
        .store
        .enqueue_as_insert(&notice, U::TABLE.has(Role::Username))
        .await?;
    engine.outlets.due.notify_one();
    Ok(())
}

/// What became of a change of password.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PasswordOutcome {
    /// Stored. When the calling session was given a new id and token, these are they.
    Changed(Option<Rotated>),
    /// The current password is wrong, or was changed by another request meanwhile.
    Incorrect,
    /// Too many wrong passwords in a row at every door of this account: none is looked at for this many seconds.
    Locked(u64),
    /// The new password is the current one.
    Same,
}

/// The session that a change of password comes from.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// Its digest; `None` for a transport without sessions.
    pub session: Option<&'a Digest>,
    /// The transport's name.
    pub transport: &'static str,
    /// Whether to give it a new id, and whether with a CSRF token.
    pub rotate: Option<bool>,
    /// Who asks.
    pub client: &'a Client,
}

/// Gives a password to an account that has none. Evicts nobody.
///
/// # Errors
/// When the database or the hashing queue fails.
pub async fn set_password<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    user: &U,
    password: &Normalized,
    caller: Caller<'_>,
) -> Result<PasswordOutcome> {
    let new = engine.passwords.hash(password, caller.client.key()).await?;
    store(engine, user, new, None, caller).await
}

/// Checks the current password and stores a new one: raises the epoch, ends every other session, keeps the caller's.
///
/// # Errors
/// When the database or the hashing queue fails.
pub async fn change_password<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    user: &U,
    current: Option<&Normalized>,
    new: &Normalized,
    caller: Caller<'_>,
) -> Result<PasswordOutcome> {
    match attempt::check_password(engine, user, current, caller.client).await? {
        Checked::Right => {}
        Checked::Wrong => return Ok(PasswordOutcome::Incorrect),
        Checked::Locked(retry_after) => return Ok(PasswordOutcome::Locked(retry_after)),
    }
    if !engine.policy.password.reuse
        && current.is_some_and(|current| current.expose() == new.expose())
    {
        return Ok(PasswordOutcome::Same);
    }
    let hash = engine.passwords.hash(new, caller.client.key()).await?;
    let mut rotated = None;
    let rotate = match caller.rotate {
        Some(csrf) if caller.session.is_some() => {
            let fresh = Rotated {
                id: engine.random.token()?,
                csrf: if csrf {
                    engine.random.hex_token()?
                } else {
                    String::new()
                },
            };
            let id = engine.keys.mac(Purpose::Session, fresh.id.as_bytes());
            let token = csrf.then(|| engine.keys.mac(Purpose::Csrf, fresh.csrf.as_bytes()));
            rotated = Some(fresh);
            Some((id, token))
        }
        _ => None,
    };
    let evict = Evict {
        keep: caller.session.copied(),
        rotate,
    };
    Ok(
        match store(engine, user, hash, Some(evict), caller).await? {
            PasswordOutcome::Changed(_) => PasswordOutcome::Changed(rotated),
            other => other,
        },
    )
}

async fn store<U: AuthUser>(
    engine: &Arc<Engine<U>>,
    user: &U,
    new: PasswordHash,
    evict: Option<Evict>,
    caller: Caller<'_>,
) -> Result<PasswordOutcome> {
    let old = user.account().password_hash.cloned();
    let account = AccountInfo::of(user);
    let notice = outbox::password_changed(engine, user, false)?;
    let origin = engine.origin(caller.client, Some(caller.transport), caller.session);
    let engine = Arc::clone(engine);
    detached(async move {
        let change = PasswordChange {
            user: &account.id,
            old: old.as_ref(),
            new: &new,
            evict,
            notice: notice.as_ref(),
            now: engine.now(),
        };
        if !engine.store.set_password(change).await? {
            return Ok(PasswordOutcome::Incorrect);
        }
        engine.outlets.due.notify_one();
        engine
            .hooks
            .after_password_changed(&AccountEvent { account, origin })
            .await;
        Ok(PasswordOutcome::Changed(None))
    })
    .await
}

/// Whether the account has a password that could ever be right.
pub fn has_password<U: AuthUser>(user: &U) -> bool {
    U::TABLE.has(Role::PasswordHash)
        && user
            .account()
            .password_hash
            .is_some_and(PasswordHash::is_usable)
}
