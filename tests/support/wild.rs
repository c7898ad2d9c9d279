//! The life of an account in a table that somebody else made, on PostgreSQL.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_macros,
    unused_imports,
    clippy::unwrap_used,
    reason = "shared by test binaries that each use a part"
)]

use sqlx::{AssertSqlSafe, PgPool};

use crate::support::TempDb;

pub const CHANGED: &str = "a wholly different one";

/// A database of its own, in which `ddl` has been run.
pub async fn made_by(ddl: &str) -> (TempDb, PgPool) {
    let file = TempDb::postgres();
    let pool = PgPool::connect(&file.url()).await.unwrap();
    run(&pool, ddl).await;
    (file, pool)
}

pub async fn run(pool: &PgPool, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    sql.execute(pool).await.unwrap();
}

/// Starts a block on a pool, or refuses to.
macro_rules! try_start {
    ($auth:ty, $pool:expr) => {{
        use ::crudauth::testing::TestBuilder as _;
        <$auth>::builder($pool.clone())
            .secret($crate::support::SECRET)
            .cheap_hashing()
            .manual_workers()
            .await
    }};
}
pub(crate) use try_start;

/// Starts a block on a table that it fits.
macro_rules! start {
    ($auth:ty, $pool:expr) => {
        $crate::wild::try_start!($auth, $pool).unwrap()
    };
}
pub(crate) use start;

/// Everything that is wrong with a table, one line each.
macro_rules! refusal {
    ($auth:ty, $pool:expr) => {
        $crate::wild::try_start!($auth, $pool)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
}
pub(crate) use refusal;

/// Signs up with `$body`, signs in by each of `$logins`, asks `/me`, changes the password, is disabled and enabled, and is
/// deleted.
macro_rules! live {
    ($auth:expr, $body:tt, $logins:expr) => {{
        use ::crudauth::account::AuthUser as _;
        let auth = &$auth;
        let stranger = $crate::support::Client::new(auth.router());
        let mut body = ::serde_json::json!($body);
        body["password"] = $crate::support::PASSWORD.into();
        let made = stranger.post_json("/register", &body).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let key = made.json()["id"].clone();
        let twice = stranger.post_json("/register", &body).await;
        assert_eq!(twice.status, 422, "{}", twice.text);
        let mut clients = Vec::new();
        for login in $logins {
            let mut client = stranger.clone();
            let answer = client.login(login, $crate::support::PASSWORD).await;
            assert_eq!(answer.status, 200, "{login}: {}", answer.text);
            let me = client.get("/me").await.json();
            assert_eq!(me["user_id"], key, "{me}");
            let wrong = stranger.clone().login(login, "no such password").await;
            assert_eq!(wrong.status, 401, "{login}: {}", wrong.text);
            clients.push(client);
        }
        let last = clients.last().unwrap();
        let change = ::serde_json::json!({
            "current_password": $crate::support::PASSWORD, "new_password": $crate::wild::CHANGED,
        });
        let changed = last.post_json("/change-password", &change).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(last.get("/me").await.status, 200);
        for other in clients.iter().rev().skip(1) {
            assert_eq!(other.get("/me").await.status, 401);
        }
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        let user = auth.users().find_by_key(&key).await.unwrap().unwrap();
        assert!(auth.users().disable(user.id()).await.unwrap());
        assert_eq!(last.get("/me").await.status, 401);
        let login = $logins[0];
        let mut client = stranger.clone();
        assert_eq!(client.login(login, $crate::wild::CHANGED).await.status, 401);
        assert!(auth.users().enable(user.id()).await.unwrap());
        assert_eq!(client.login(login, $crate::wild::CHANGED).await.status, 200);
        assert!(auth.users().delete(user.id()).await.unwrap());
        assert_eq!(client.get("/me").await.status, 401);
        assert!(auth.users().find(user.id()).await.unwrap().is_none());
        assert_eq!(client.login(login, $crate::wild::CHANGED).await.status, 401);
    }};
}
pub(crate) use live;
