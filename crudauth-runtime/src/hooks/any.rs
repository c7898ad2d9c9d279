//! The application's hooks behind a pointer, and under watch: an error or a panic of theirs is logged and changes nothing.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

#[cfg(feature = "oauth")]
use super::OAuthLogin;
use super::{
    AccountEvent, Elevated, EmailChanged, HookResult, Hooks, Lockout, LoginFailed, NewUser,
    PasswordCheck,
};
use crate::account::AuthUser;
use crate::store::patience;

/// [`Hooks`] behind a pointer, so that flows are compiled once per account type.
pub(crate) trait AnyHooks<U: AuthUser>: Send + Sync {
    fn after_register<'a>(&'a self, event: &'a AccountEvent<U::Id>) -> BoxFuture<'a, ()>;
    fn login_failed<'a>(&'a self, event: &'a LoginFailed<U::Id>) -> BoxFuture<'a, ()>;
    fn lockout<'a>(&'a self, event: &'a Lockout<U::Id>) -> BoxFuture<'a, ()>;
    fn after_login<'a>(&'a self, event: &'a AccountEvent<U::Id>) -> BoxFuture<'a, ()>;
    fn after_logout<'a>(&'a self, event: &'a AccountEvent<U::Id>) -> BoxFuture<'a, ()>;
    fn refresh_token_reused<'a>(&'a self, event: &'a AccountEvent<U::Id>) -> BoxFuture<'a, ()>;
    #[cfg(feature = "oauth")]
    fn oauth_login<'a>(&'a self, event: &'a OAuthLogin<U::Id>) -> BoxFuture<'a, ()>;
    fn after_password_changed<'a>(&'a self, event: &'a AccountEvent<U::Id>) -> BoxFuture<'a, ()>;
    fn after_recovery_verified<'a>(&'a self, event: &'a AccountEvent<U::Id>) -> BoxFuture<'a, ()>;
    fn after_password_reset<'a>(&'a self, event: &'a AccountEvent<U::Id>) -> BoxFuture<'a, ()>;
    fn after_email_changed<'a>(&'a self, event: &'a EmailChanged<U::Id>) -> BoxFuture<'a, ()>;
    fn after_sudo<'a>(&'a self, event: &'a Elevated<U::Id>) -> BoxFuture<'a, ()>;
    fn new_user<'a>(
        &'a self,
        user: &'a NewUser<'a>,
        columns: &'a mut U::Columns,
    ) -> BoxFuture<'a, ()>;
    fn check_password<'a>(
        &'a self,
        check: &'a PasswordCheck<'a>,
    ) -> BoxFuture<'a, Result<(), String>>;
}

macro_rules! watched {
    ($($name:ident: $event:ident),*) => {$(
        fn $name<'a>(&'a self, event: &'a $event<U::Id>) -> BoxFuture<'a, ()> {
            Box::pin(async move {
                watch(stringify!($name), Hooks::$name(self, event)).await;
            })
        }
    )*};
}

impl<U: AuthUser, H: Hooks<U>> AnyHooks<U> for H {
    watched! {
        after_register: AccountEvent, login_failed: LoginFailed, lockout: Lockout, after_login: AccountEvent,
        after_logout: AccountEvent, refresh_token_reused: AccountEvent, after_password_changed: AccountEvent,
        after_recovery_verified: AccountEvent, after_password_reset: AccountEvent,
        after_email_changed: EmailChanged, after_sudo: Elevated
    }

    #[cfg(feature = "oauth")]
    watched! { oauth_login: OAuthLogin }

    fn new_user<'a>(
        &'a self,
        user: &'a NewUser<'a>,
        columns: &'a mut U::Columns,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // On a copy: what a failing hook has written so far does not reach the row.
            let mut filled = columns.clone();
            if watch("new_user", Hooks::new_user(self, user, &mut filled)).await {
                *columns = filled;
            }
        })
    }

    fn check_password<'a>(
        &'a self,
        check: &'a PasswordCheck<'a>,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            // A check that panics refuses: it must not be a way around itself.
            let checked = AssertUnwindSafe(Hooks::check_password(self, check));
            let checked = patience::afresh(checked.catch_unwind()).await;
            checked.unwrap_or_else(|panic| {
                report("check_password", &*panic);
                Err("This password cannot be checked right now.".to_owned())
            })
        })
    }
}

/// Runs a hook and says whether it did its work.
async fn watch(name: &'static str, hook: impl Future<Output = HookResult> + Send) -> bool {
    match patience::afresh(AssertUnwindSafe(hook).catch_unwind()).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => {
            tracing::error!(hook = name, %error, "a hook failed; the request went on");
        }
        Err(panic) => report(name, &*panic),
    }
    false
}

fn report(name: &'static str, panic: &(dyn Any + Send)) {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(
        hook = name,
        panic = text.unwrap_or("no message"),
        "a hook panicked; the request went on"
    );
}

impl<U: AuthUser> fmt::Debug for dyn AnyHooks<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
