//! The row of a new account, whatever door it comes through.

use crate::account::{AccountKey, AuthUser, NewAccount, RawKey};
use crate::crypto::PasswordHash;
use crate::engine::Engine;
use crate::error::Result;

/// A new row that has a key, an epoch and a password, and nothing else yet: no names, nothing proven, no privileges.
pub(crate) fn new_account<U: AuthUser>(
    engine: &Engine<U>,
    password_hash: PasswordHash,
    columns: U::Columns,
) -> Result<NewAccount<U>> {
    let now = engine.now();
    let key = <U::Id as AccountKey>::Inner::generate(&engine.random, now)?;
    // 52 bits: a random start that no client's number type rounds. An account that gets a deleted one's id does not
    // get its epoch, so nothing issued to the deleted one fits (SEC-159).
    let [start @ .., _] = engine.random.bytes::<9>()?;
    Ok(NewAccount {
        id: key.map(U::Id::from_inner),
        email: None,
        username: None,
        password_hash,
        email_verified: false,
        is_active: true,
        is_superuser: false,
        token_version: i64::from_be_bytes(start) & ((1 << 52) - 1),
        created_at: now,
        columns,
    })
}
