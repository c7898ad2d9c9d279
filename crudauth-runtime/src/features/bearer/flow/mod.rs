//! Issuing, reading, renewing and revoking tokens.

use crate::account::AuthUser;
use crate::clock::Timestamp;
use crate::engine::Engine;
use crate::store::families::FamilyRow;

mod access;
mod issue;
mod renew;
mod revoke;

pub use access::{Carried, Claims, NoClaims, Presented, Read, look_up, read};
pub use issue::{GrantOutcome, Issued, SignIn, sign_in};
pub(crate) use issue::{Granting, extra_of, grant, granted};
pub(crate) use renew::replayed;
pub use renew::{Renewed, renew};
pub use revoke::{Description, describe, revoke, sign_out};

/// The scopes of `list` that the block declares, in its order: whatever else was once granted is no more.
fn declared<'a>(
    scopes: &'static [&'static str],
    list: impl IntoIterator<Item = &'a str>,
) -> Vec<&'static str> {
    let held: Vec<&str> = list.into_iter().collect();
    let declared = scopes.iter().copied();
    declared.filter(|scope| held.contains(scope)).collect()
}

/// Whether a family and its account still answer at the instant `now`.
fn is_live<U: AuthUser>(engine: &Engine<U>, row: &FamilyRow, user: &U, now: Timestamp) -> bool {
    row.expires_at > now && row.token_version == user.account().token_version && engine.admits(user)
}
