//! The application's say in the flows: one trait whose methods all do nothing unless written.

use std::error::Error as StdError;
use std::future::Future;
use std::net::IpAddr;

use time::OffsetDateTime;

use crate::account::{Account, AuthUser};
use crate::crypto::Normalized;
pub use crate::crypto::PasswordSource;

mod any;

pub(crate) use any::AnyHooks;

/// What a hook answers. An error is logged; it never fails or half-undoes the request.
pub type HookResult = Result<(), Box<dyn StdError + Send + Sync>>;

/// Where an event came from. The same on every event.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Origin {
    /// Client address, by the rule of `#[proxy]`.
    pub ip: Option<IpAddr>,
    /// User agent, cut to 512 characters and without control characters. Untrusted.
    pub user_agent: Option<String>,
    /// The transport that authenticated the request, or that was signed in by.
    pub transport: Option<&'static str>,
    /// Public handle of the session, or the name of the token family.
    pub session_handle: Option<String>,
    /// When.
    pub at: OffsetDateTime,
}

/// An account as hooks see it. There is no password hash in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccountInfo<K> {
    /// Primary key.
    pub id: K,
    /// E-mail address, where there is one.
    pub email: Option<String>,
    /// User name, where there is one.
    pub username: Option<String>,
    /// Whether the account is enabled.
    pub is_active: bool,
    /// Whether the account is a superuser.
    pub is_superuser: bool,
}

impl<K: Clone> AccountInfo<K> {
    pub(crate) fn of<U: AuthUser<Id = K>>(user: &U) -> Self {
        let Account {
            email,
            username,
            is_active,
            is_superuser,
            ..
        } = user.account();
        Self {
            id: user.id().clone(),
            email: email.map(str::to_owned),
            username: username.map(str::to_owned),
            is_active,
            is_superuser,
        }
    }
}

/// Why a sign-in was refused. The client is never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginFailure {
    /// The account is disabled; the password was right.
    Inactive,
    /// The block asks for a proven address, and this one is not; the password was right.
    Unverified,
    /// Unknown identifier or wrong password.
    InvalidCredentials,
}

/// A sign-in was refused.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoginFailed<K> {
    /// The account that the identifier names, if there is one.
    pub account: Option<AccountInfo<K>>,
    /// What was typed. Untrusted: escape it before it is shown or logged.
    pub identifier: String,
    /// Why.
    pub reason: LoginFailure,
    /// Where from.
    pub origin: Origin,
}

/// Something happened to an account.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccountEvent<K> {
    /// The account.
    pub account: AccountInfo<K>,
    /// Where from.
    pub origin: Origin,
}

/// An account moved to another address.
#[derive(Debug)]
#[non_exhaustive]
pub struct EmailChanged<K> {
    /// The account, with its new address.
    pub account: AccountInfo<K>,
    /// The address that it had.
    pub former: String,
    /// Whether the former owner took a change back.
    pub undone: bool,
    /// Where from.
    pub origin: Origin,
}

/// A session proved once more who its owner is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Elevated<K> {
    /// The account.
    pub account: AccountInfo<K>,
    /// How it was proven: `password`.
    pub method: &'static str,
    /// When it is over.
    pub until: OffsetDateTime,
    /// Where from.
    pub origin: Origin,
}

/// Somebody came by a provider.
#[cfg(feature = "oauth")]
#[derive(Debug)]
#[non_exhaustive]
pub struct OAuthLogin<K> {
    /// The account.
    pub account: AccountInfo<K>,
    /// The provider, as the block names it.
    pub provider: &'static str,
    /// What it said. Untrusted but for the subject: escape it before it is shown.
    pub profile: crate::oauth::Profile,
    /// What came of it.
    pub outcome: OAuthOutcome,
    /// Where from.
    pub origin: Origin,
}

/// What a provider's word came to.
#[cfg(feature = "oauth")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OAuthOutcome {
    /// An account whose address nobody had proven went to the owner of the address: its password, its sessions and all that was
    /// set up before are void.
    Claimed,
    /// An account was created.
    Created,
    /// The identity was linked before.
    Known,
    /// It was linked to the account that has the same address, proven on both sides.
    Linked,
    /// It was linked by the owner of the account, signed in.
    LinkedByOwner,
}

/// Sign-ins from an address or for an account are refused for a while.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lockout<K> {
    /// The account, if the identifier names one.
    pub account: Option<AccountInfo<K>>,
    /// Whole seconds until the lock opens.
    pub retry_after: u64,
    /// Where from.
    pub origin: Origin,
}

/// How an account came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignUpSource {
    /// The application's own code, through `auth.users()`.
    Application,
    /// `POST /register`.
    Register,
    /// Somebody signed in by a provider for the first time.
    Provider,
}

/// What is known of an account that is about to be created.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewUser<'a> {
    /// Canonical address.
    pub email: Option<&'a str>,
    /// User name as typed.
    pub username: Option<&'a str>,
    /// How.
    pub source: SignUpSource,
}

impl NewUser<'_> {
    /// A name to show: the local part of the address, else the user name.
    #[must_use]
    pub fn suggested_name(&self) -> Option<&str> {
        let local = self
            .email
            .and_then(|email| email.split_once('@'))
            .map(|(local, _)| local);
        local.or(self.username)
    }
}

/// A new password, for a check of the application's own.
#[derive(Debug)]
#[non_exhaustive]
pub struct PasswordCheck<'a> {
    /// The password, NFKC.
    pub password: &'a Normalized,
    /// Where it is going to be used.
    pub source: PasswordSource,
    /// Canonical address of the account.
    pub email: Option<&'a str>,
    /// User name of the account.
    pub username: Option<&'a str>,
}

/// The application's hooks, named in the block by `#[hooks(MyHooks)]` and handed to the builder.
///
/// Every method runs after the flow's transaction has been committed, while no connection is held, and is awaited
/// before the answer goes out. An error or a panic is logged and changes nothing. No event carries a password hash.
///
/// ```
/// # use crudauth_runtime as crudauth;
/// use crudauth::hooks::{AccountEvent, HookResult, Hooks};
/// # use crudauth::account::AuthUser;
///
/// pub struct Welcome;
///
/// impl<U: AuthUser> Hooks<U> for Welcome {
///     async fn after_register(&self, event: &AccountEvent<U::Id>) -> HookResult {
///         println!("welcome, {:?}", event.account.username);
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hooks type for `{U}`",
    note = "write `impl crudauth::Hooks<{U}> for {Self} {{}}`; every method has a default"
)]
pub trait Hooks<U: AuthUser>: Send + Sync + 'static {
    /// An account was created.
    ///
    /// Where messages go out (`#[email]`, `#[channel]`), the answer to `POST /register` does not wait for it: how long it takes
    /// would tell that the address was free.
    fn after_register(
        &self,
        event: &AccountEvent<U::Id>,
    ) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// A sign-in was refused.
    fn login_failed(&self, event: &LoginFailed<U::Id>) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// A sign-in was refused unseen, because its budget is spent.
    fn lockout(&self, event: &Lockout<U::Id>) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// Somebody signed in.
    fn after_login(&self, event: &AccountEvent<U::Id>) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// Somebody signed out.
    fn after_logout(&self, event: &AccountEvent<U::Id>) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// A refresh token that had been replaced came back, or the one-time code that it all began with: it is in two hands. Its family
    /// has ended, both hands are signed out, and the account's owner may want to know.
    fn refresh_token_reused(
        &self,
        event: &AccountEvent<U::Id>,
    ) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// Somebody came by a provider: before the session is opened, and when an owner links an identity. What it brings about tells
    /// [`OAuthLogin::outcome`].
    #[cfg(feature = "oauth")]
    fn oauth_login(&self, event: &OAuthLogin<U::Id>) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// A password was set or changed.
    fn after_password_changed(
        &self,
        event: &AccountEvent<U::Id>,
    ) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// What the account is recovered by was proven by the link that was sent to it.
    fn after_recovery_verified(
        &self,
        event: &AccountEvent<U::Id>,
    ) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// A password was replaced by way of the mailbox.
    fn after_password_reset(
        &self,
        event: &AccountEvent<U::Id>,
    ) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// The account moved to another address, or back to the former one.
    fn after_email_changed(
        &self,
        event: &EmailChanged<U::Id>,
    ) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// A session proved once more who its owner is.
    fn after_sudo(&self, event: &Elevated<U::Id>) -> impl Future<Output = HookResult> + Send {
        let _ = event;
        async { Ok(()) }
    }

    /// Fills the application's own columns of a new account. Runs before the INSERT, with no connection held; what
    /// crudauth owns is not reachable from here. Where messages go out it runs
    /// before anything is looked up, so also for a sign-up whose address then turns out to be taken.
    ///
    /// An error is logged, and the columns stay as they were before the call.
    fn new_user(
        &self,
        user: &NewUser<'_>,
        columns: &mut U::Columns,
    ) -> impl Future<Output = HookResult> + Send {
        let _ = (user, columns);
        async { Ok(()) }
    }

    /// Judges a new password after the built-in rules have passed, for example against a list of breached ones. The
    /// error's text is shown to the client.
    ///
    /// # Errors
    /// The sentence to show when the password is refused.
    fn check_password(
        &self,
        check: &PasswordCheck<'_>,
    ) -> impl Future<Output = Result<(), String>> + Send {
        let _ = check;
        async { Ok(()) }
    }
}

/// No hooks: what a block without `#[hooks]` has.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl<U: AuthUser> Hooks<U> for NoHooks {}
