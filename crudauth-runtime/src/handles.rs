//! What the application's own code does with accounts and sessions.

use std::fmt;
use std::time::Duration;

use crate::account::{AccountKey, AuthUser, HasActive, HasSuperuser, HasVerified, RawKey, Role};
use crate::authority::{Authority, engine};
use crate::crypto::{Normalized, PasswordSource};
use crate::error::Result;
use crate::features::account::flow::{self, SignUp, SignUpOutcome};
use crate::hooks::SignUpSource;
use crate::identity::{check_username, parse_email};
use crate::judge::{self, BadPassword};
use crate::outbox;
use crate::store::{AccountChange, LoginField};

mod sessions;

pub use sessions::{SessionInfo, SessionsHandle};

/// Accounts: `auth.users()`.
pub struct UsersHandle<'a, A: Authority>(&'a A);

impl<A: Authority> fmt::Debug for UsersHandle<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::users()", A::NAME)
    }
}

/// An account for [`UsersHandle::create`].
#[derive(Debug)]
pub struct CreateUser<U: AuthUser> {
    /// Address, where the account has that column.
    pub email: Option<String>,
    /// User name, where the account has that column.
    pub username: Option<String>,
    /// The password. The block's rules apply.
    pub password: String,
    /// The application's own columns.
    pub columns: U::Columns,
    /// Whether the address counts as proven.
    pub email_verified: bool,
    /// Whether it is a superuser: how the first administrator comes to be.
    pub superuser: bool,
}

/// Why no account was created.
#[derive(Debug)]
#[non_exhaustive]
pub enum CreateError {
    /// The address cannot be one, or is missing.
    Email(&'static str),
    /// Something unique is taken.
    Exists,
    /// The address is taken.
    EmailTaken,
    /// The database, the random source or the hashing queue failed.
    Failed(crate::Error),
    /// The password breaks a rule; what to change.
    Password(Vec<String>),
    /// The table does not take a value; the field's name, where it is known.
    Unfit(Option<&'static str>),
    /// The user name cannot be one, or is missing.
    Username(&'static str),
    /// The user name is taken.
    UsernameTaken,
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(reason) | Self::Username(reason) => f.write_str(reason),
            Self::Exists => f.write_str("an account with one of these values exists already"),
            Self::EmailTaken => f.write_str("the address is taken"),
            Self::Failed(error) => error.fmt(f),
            Self::Password(rules) => f.write_str(&rules.join("; ")),
            Self::Unfit(Some(field)) => {
                write!(f, "the table does not take this value of `{field}`")
            }
            Self::Unfit(None) => f.write_str("the table does not take one of these values"),
            Self::UsernameTaken => f.write_str("the user name is taken"),
        }
    }
}

impl std::error::Error for CreateError {}

impl From<crate::Error> for CreateError {
    fn from(error: crate::Error) -> Self {
        Self::Failed(error)
    }
}

type Id<A> = <<A as crate::store::sql::Schema>::User as AuthUser>::Id;

impl<'a, A: Authority> UsersHandle<'a, A> {
    /// The handle of `auth`.
    #[must_use]
    pub fn new(auth: &'a A) -> Self {
        Self(auth)
    }

    /// The account with this key.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find(&self, id: &Id<A>) -> Result<Option<A::User>> {
        engine(self.0).store.by_id(id).await
    }

    /// The account whose key is spelled `text`, in the canonical spelling only.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find_by_key(&self, text: &str) -> Result<Option<A::User>> {
        match <Id<A> as AccountKey>::Inner::parse_canonical(text) {
            Some(key) => self.find(&Id::<A>::from_inner(key)).await,
            None => Ok(None),
        }
    }

    /// The account with this address, in whatever spelling.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find_by_email(&self, email: &str) -> Result<Option<A::User>> {
        match parse_email(email) {
            Ok(email) if A::User::TABLE.has(Role::Email) => {
                engine(self.0)
                    .store
                    .by_login(LoginField::Email, email.as_str())
                    .await
            }
            _ => Ok(None),
        }
    }

    /// The account with exactly this user name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn find_by_username(&self, username: &str) -> Result<Option<A::User>> {
        if !A::User::TABLE.has(Role::Username) || username.contains('\0') {
            return Ok(None);
        }
        engine(self.0)
            .store
            .by_login(LoginField::Username, username)
            .await
    }

    /// Creates an account. The same rules, hooks and columns as for a sign-up; no limit counts it.
    ///
    /// # Errors
    /// [`CreateError`] with what to change, or with what failed.
    pub async fn create(&self, user: CreateUser<A::User>) -> Result<Id<A>, CreateError> {
        let engine = engine(self.0);
        let table = A::User::TABLE;
        let email = match (&user.email, table.has(Role::Email)) {
            (Some(email), true) => Some(
                parse_email(email)
                    .map_err(CreateError::Email)?
                    .into_string(),
            ),
            (None, _) if table.may_lack(Role::Email) => None,
            (None, true) => return Err(CreateError::Email("the account needs an address")),
            (_, false) => None,
        };
        let username = match (user.username, table.has(Role::Username)) {
            (Some(username), true) => {
                check_username(&username).map_err(CreateError::Username)?;
                Some(username)
            }
            (None, _) if table.may_lack(Role::Username) => None,
            (None, true) => return Err(CreateError::Username("the account needs a user name")),
            (_, false) => None,
        };
        let password = Normalized::new(&user.password, A::POLICY.password.max)
            .map_err(|too_long| CreateError::Password(vec![too_long.to_string()]))?;
        let context = judge::context(
            email.as_deref(),
            username.as_deref(),
            PasswordSource::Register,
        );
        judge::judge_password(engine, &password, &context)
            .await
            .map_err(|bad| match bad {
                BadPassword::Rules(unmet) => {
                    CreateError::Password(unmet.iter().map(|rule| rule.message()).collect())
                }
                BadPassword::Refused(sentence) => CreateError::Password(vec![sentence]),
            })?;
        let sign_up = SignUp {
            email,
            username,
            password,
            columns: user.columns,
            source: SignUpSource::Application,
            email_verified: user.email_verified,
            is_superuser: user.superuser,
        };
        match flow::sign_up(engine, sign_up, None).await? {
            SignUpOutcome::Created(id) => Ok(id),
            SignUpOutcome::EmailTaken => Err(CreateError::EmailTaken),
            SignUpOutcome::UsernameTaken => Err(CreateError::UsernameTaken),
            SignUpOutcome::FieldTaken(_) | SignUpOutcome::Exists => Err(CreateError::Exists),
            SignUpOutcome::Unfit(unfit) => {
                Err(CreateError::Unfit(unfit.column.map(|column| column.field)))
            }
        }
    }

    async fn change(&self, id: &Id<A>, change: AccountChange) -> Result<bool> {
        let engine = engine(self.0);
        engine.store.change(id, change, engine.now()).await
    }

    /// Disables the account, ends its sessions and refresh families and voids its links, but those that take a change of
    /// address back, in the same transaction. False when there is none with this key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn disable(&self, id: &Id<A>) -> Result<bool>
    where
        A::User: HasActive,
    {
        self.change(id, AccountChange::Active(false)).await
    }

    /// Enables the account. False when there is none with this key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn enable(&self, id: &Id<A>) -> Result<bool>
    where
        A::User: HasActive,
    {
        self.change(id, AccountChange::Active(true)).await
    }

    /// Makes the account a superuser, from its next request on. False when there is none with this key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn grant_superuser(&self, id: &Id<A>) -> Result<bool>
    where
        A::User: HasSuperuser,
    {
        self.change(id, AccountChange::Superuser(true)).await
    }

    /// Takes superuser away, from its next request on. False when there is none with this key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn revoke_superuser(&self, id: &Id<A>) -> Result<bool>
    where
        A::User: HasSuperuser,
    {
        self.change(id, AccountChange::Superuser(false)).await
    }

    /// Says whether what the account is recovered by, usually its address, is proven. False when there is none with this key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn set_verified(&self, id: &Id<A>, verified: bool) -> Result<bool>
    where
        A::User: HasVerified,
    {
        self.change(id, AccountChange::Verified(verified)).await
    }

    /// Forgets the account's failed sign-ins: ends its lock, and the stop after 100 failures in a row.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn unlock(&self, id: &Id<A>) -> Result<()> {
        let engine = engine(self.0);
        engine.store.clear(&engine.account_bucket(id)).await
    }

    /// Deletes the account with its sessions and refresh families. False when there is none with this key.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete(&self, id: &Id<A>) -> Result<bool> {
        engine(self.0).store.delete(id).await
    }
}

/// Delivers the messages that are due. A worker does so by itself; this is for authorities without one, in tests and in
/// jobs that end with their work. Says how many rows of the outbox were finished.
///
/// # Errors
/// When the database cannot be asked.
pub async fn run_due<A: Authority>(auth: &A) -> Result<u64> {
    outbox::run_due(engine(auth)).await
}

/// Stops the background work of `auth`, hands over the messages that are due, and closes its pool.
pub async fn shutdown<A: Authority>(auth: &A) {
    let drained = auth.core().workers.stop().await;
    if A::POLICY.recovery.delivers() && !drained {
        outbox::drain(outbox::run_due(engine(auth))).await;
    }
    // A reservation that is settling in the background gets its chance before the pool goes.
    let _ = tokio::time::timeout(Duration::from_secs(1), tokio::task::yield_now()).await;
    engine(auth).store.close().await;
}
