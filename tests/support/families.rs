//! Refresh families, as the store has them.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use std::sync::Arc;
use std::time::Duration;

use crudauth::__private::{Authority, IntoStore, Timestamp};
use crudauth::PasswordHash;
use crudauth::account::AuthUser as _;
use crudauth_runtime::store::{Evict, NewFamily, PasswordChange, Store};

use crate::support::{Db, User};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MONTH: Duration = Duration::from_hours(720);

pub fn store<A: Authority>(db: &Db) -> Arc<dyn Store<A::User>>
where
    Db: IntoStore<A>,
{
    IntoStore::<A>::into_store(db.clone())
}

pub fn family<'a, K>(
    id: &'a str,
    user: &'a K,
    token_version: i64,
    now: Timestamp,
) -> NewFamily<'a, K> {
    NewFamily {
        id,
        user,
        secret: [1; 32],
        token_version,
        scopes: "read reports:read",
        now,
        expires_at: now.plus(MONTH),
        code: None,
        attempt: None,
        clear_address: false,
    }
}

pub async fn epoch(store: &dyn Store<User>, user: i64) -> i64 {
    let account = store.by_id(&user).await.unwrap().unwrap();
    account.account().token_version
}

/// Opens a family of the account as it is now.
pub async fn open(store: &dyn Store<User>, id: &str, user: i64, now: Timestamp) {
    let version = epoch(store, user).await;
    let opened = store.open_family(family(id, &user, version, now)).await;
    assert!(opened.unwrap(), "{id}");
}

pub async fn count(db: &Db, user: i64) -> i64 {
    let of = "SELECT count(*) FROM auth_refresh_tokens WHERE user_id = $1";
    db.query(of).bind(user).scalar().await
}

/// A new password from a caller without a session: a bearer, or the application.
pub async fn set_password(store: &dyn Store<User>, user: i64, evict: bool) -> bool {
    let account = store.by_id(&user).await.unwrap().unwrap();
    let change = PasswordChange {
        user: &user,
        old: account.account().password_hash,
        new: &PasswordHash::from_stored("$argon2id$of-another-one".to_owned()),
        evict: evict.then_some(Evict {
            keep: None,
            rotate: None,
        }),
        notice: None,
        now: Timestamp::from_micros(0),
    };
    store.set_password(change).await.unwrap()
}
