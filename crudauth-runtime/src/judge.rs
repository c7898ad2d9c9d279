//! Whether a new password will do.

use crate::account::AuthUser;
use crate::crypto::policy::check;
use crate::crypto::{Normalized, PasswordContext, PasswordSource, Violation};
use crate::engine::Engine;
use crate::hooks::PasswordCheck;

/// Why a password cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPassword {
    /// Built-in rules that are not met, all of them.
    Rules(Vec<Violation>),
    /// The application's own check said no, with this sentence.
    Refused(String),
}

/// Judges a new password: the built-in rules first, and only when all are met the application's own check.
///
/// # Errors
/// [`BadPassword`], which says what to change.
pub async fn judge_password<U: AuthUser>(
    engine: &Engine<U>,
    password: &Normalized,
    context: &PasswordContext<'_>,
) -> Result<(), BadPassword> {
    let violations = check(&engine.policy.password, password, context);
    if !violations.is_empty() {
        return Err(BadPassword::Rules(violations));
    }
    let PasswordContext {
        username,
        email,
        source,
        ..
    } = *context;
    let own = PasswordCheck {
        password,
        source,
        email,
        username,
    };
    engine
        .hooks
        .check_password(&own)
        .await
        .map_err(BadPassword::Refused)
}

/// What the rules look at besides the password.
#[must_use]
pub fn context<'a>(
    email: Option<&'a str>,
    username: Option<&'a str>,
    source: PasswordSource,
) -> PasswordContext<'a> {
    PasswordContext {
        username,
        email,
        source,
    }
}
