//! Our own tables and the application's: made once whoever starts first, compared at start-up, everything wrong at once.

use crudauth::testing::TestBuilder;

use crate::support::{
    self, Auth, Client, Db, PASSWORD, SECRET, TempDb, TestApp, User, dialect, pool,
};

const TABLES: [&str; 11] = [
    "auth_attempts",
    "auth_elevations",
    "auth_identities",
    "auth_limits",
    "auth_migrations",
    "auth_oauth_states",
    "auth_outbox",
    "auth_refresh_tokens",
    "auth_sessions",
    "auth_tokens",
    "auth_usernames",
];

async fn tables(db: &Db) -> Vec<String> {
    let mut tables = db.tables().await;
    tables.retain(|name| name.starts_with("auth"));
    tables
}

async fn steps(db: &Db) -> Vec<String> {
    db.query("SELECT id FROM auth_migrations ORDER BY id")
        .scalars()
        .await
}

async fn run(db: &Db, sql: impl Into<String>) {
    db.run(sql.into()).await;
}

async fn start(url: &str) -> crudauth::Result<Auth> {
    Auth::connect(url)
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .await
}

fn refused(result: crudauth::Result<Auth>) -> String {
    result
        .expect_err("the start should have been refused")
        .to_string()
}

#[tokio::test]
async fn sec_154_migrating_again_changes_nothing() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let ada = app.signed_in("ada").await;
    let before = steps(&app.db).await;

    for _ in 0..3 {
        Auth::migrate(app.db.clone()).await.unwrap();
    }

    assert_eq!(tables(&app.db).await, TABLES);
    assert_eq!(steps(&app.db).await, before);
    assert_eq!(ada.get("/me").await.status, 200);
}

#[tokio::test]
async fn sec_154_a_schema_of_a_newer_version_is_refused_and_left_alone() {
    let app = TestApp::start().await;
    run(
        &app.db,
        "INSERT INTO auth_migrations VALUES ('0042_of_next_year', 0)",
    )
    .await;
    let before = steps(&app.db).await;

    let message = refused(start(&app.file.url()).await);

    assert!(
        message.contains("`0042_of_next_year`") && message.contains("newer"),
        "{message}"
    );
    assert_eq!(steps(&app.db).await, before);
    assert!(Auth::migrate(app.db.clone()).await.is_err());
}

#[tokio::test]
async fn schema_sql_run_by_another_tool_leaves_nothing_to_do() {
    let file = TempDb::new();
    let db = pool(&file.url(), 1).await;
    run(&db, User::create_table_sql(dialect())).await;
    let sql = Auth::schema_sql(dialect());

    run(&db, &*sql).await;
    let by_hand = Auth::builder(db.clone())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .migrate_at_start(false)
        .await
        .unwrap();
    let client = Client::new(by_hand.router());
    let body = serde_json::json!({ "email": "ada@x.com", "username": "ada", "password": PASSWORD });
    let answer = client.post_json("/register", &body).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(tables(&db).await, TABLES);
    run(&db, "ALTER TABLE auth_limits RENAME TO elsewhere").await;
    let forgotten = Auth::builder(db.clone())
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .migrate_at_start(false);
    assert!(refused(forgotten.await).contains("auth_limits"));
    run(&db, "ALTER TABLE elsewhere RENAME TO auth_limits").await;
    start(&file.url()).await.unwrap(); // and a start that migrates sees that it has been done
    assert_eq!(steps(&db).await.len(), 5);
}

#[tokio::test]
async fn every_drift_of_the_table_is_named_in_one_message() {
    let file = TempDb::new();
    let db = pool(&file.url(), 1).await;
    // The key is wrong in either product, but not in the same way.
    let key = support::sql(
        "`users.id` gives the id of a deleted row to the next one",
        "`users.id` is declared `integer`",
    );
    let hash = support::sql("INTEGER", "integer");
    run(&db, "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, username TEXT NOT NULL, password_hash INTEGER NOT NULL, \
        is_active BOOLEAN NOT NULL, is_superuser BOOLEAN NOT NULL, token_version BIGINT NOT NULL, full_name TEXT NOT NULL, \
        plan TEXT NOT NULL, badge TEXT NOT NULL, noted TEXT NOT NULL DEFAULT '', remark TEXT)").await;
    run(&db, "CREATE UNIQUE INDEX two ON users (email, username); CREATE UNIQUE INDEX partial ON users (username) WHERE is_active").await;

    let message = refused(
        Auth::builder(db)
            .secret(SECRET)
            .cheap_hashing()
            .manual_workers()
            .await,
    );

    for drift in [
        key,
        "`users.email` allows NULL",
        "`users.email` has no unique index of its own",
        "`users.username` has no unique index of its own",
        &format!("`users.password_hash` is declared `{hash}`"),
        "`users.email_verified` is missing (field `email_verified`)",
        "`users.full_name` is NOT NULL, but the field `full_name` is an `Option`",
        "`users.badge` is NOT NULL without a default, and sign-up does not fill it",
    ] {
        assert!(message.contains(drift), "{drift}\n--\n{message}");
    }
    for fine in [
        "is_active",
        "is_superuser",
        "token_version",
        "`users.plan`",
        "noted",
        "remark",
    ] {
        assert!(!message.contains(fine), "{fine}\n--\n{message}");
    }
}

#[tokio::test]
async fn a_missing_table_is_named_and_the_check_can_be_switched_off() {
    let file = TempDb::new();
    let db = pool(&file.url(), 1).await;
    let with = || {
        Auth::builder(db.clone())
            .secret(SECRET)
            .cheap_hashing()
            .manual_workers()
    };

    let message = refused(with().await);

    assert!(message.contains("there is no table `users`"), "{message}");
    assert!(with().verify_schema(false).await.is_ok());
    assert!(with().create_users_table(true).await.is_ok());
}

#[tokio::test]
async fn a_view_is_named_as_what_it_is() {
    let app = TestApp::start().await;
    run(
        &app.db,
        "ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people",
    )
    .await;

    assert_eq!(
        refused(start(&app.file.url()).await),
        "`users` is a view: name the table that holds the accounts"
    );
}

#[tokio::test]
async fn every_wrong_setting_is_told_in_one_message() {
    let app = TestApp::over(TempDb::sqlite(), 1).await;
    let read_only = format!("sqlite://{}?mode=ro", app.file.path().display());
    let directory = std::env::temp_dir();

    for (url, what) in [
        (
            "sqlite:///no/such/directory/app.db?mode=rwc".to_owned(),
            "the SQLite file cannot be opened or written",
        ),
        (
            format!("sqlite://{}", directory.display()),
            "the SQLite file cannot be opened or written",
        ),
        (read_only, "the tables of crudauth cannot be written"),
        (
            "postgres://127.0.0.1:1/app".to_owned(),
            "the PostgreSQL server at 127.0.0.1:1 cannot be reached",
        ),
        (
            "mysql://localhost/app".to_owned(),
            "the database URL begins with `mysql:`, but the block declares `#[database(sqlite, postgres)]`",
        ),
        ("app.db".to_owned(), "the database URL begins with"),
    ] {
        let wrong = Auth::connect(&url)
            .secret("short")
            .origin("example.com/path")
            .origin("ftp://x")
            .manual_workers();
        let message = refused(wrong.await);
        for problem in [what, "32 bytes", "`example.com/path`", "`ftp://x`"] {
            assert!(message.contains(problem), "{url}: {problem}\n--\n{message}");
        }
        assert!(!message.contains("short\""), "{message}");
    }
}

#[tokio::test]
async fn sec_159_a_deleted_accounts_cookie_does_not_open_its_successor() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let first = app.register("bob").await;
    let bob = app.signed_in("bob").await;
    // Behind our back: the application's own DELETE leaves the session's row.
    app.db
        .query("DELETE FROM users WHERE id = $1")
        .bind(first)
        .execute()
        .await;
    assert_eq!(bob.get("/me").await.status, 401);

    let second = app.register("eve").await;
    assert_ne!(second, first);
    assert_eq!(bob.get("/me").await.status, 401);
    // Even where the table reuses numbers, the new account has another epoch.
    app.db
        .query("UPDATE users SET id = $1 WHERE id = $2")
        .bind(first)
        .bind(second)
        .execute()
        .await;
    assert_eq!(app.count("SELECT count(*) FROM auth_sessions").await, 1);
    assert_eq!(bob.get("/me").await.status, 401);
    assert_eq!(bob.post("/logout").await.status, 200);
}

#[tokio::test]
async fn the_migrations_of_the_application_are_left_alone() {
    let file = TempDb::new();
    let db = pool(&file.url(), 1).await;
    let bytes = support::sql("BLOB", "BYTEA");
    run(&db, format!("CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, success BOOLEAN NOT NULL, checksum {bytes} NOT NULL); \
        INSERT INTO _sqlx_migrations VALUES (1, 'mine', TRUE, '')")).await;

    start(&file.url()).await.unwrap();

    let rows: Vec<(i64, String)> = db
        .query("SELECT version, description FROM _sqlx_migrations")
        .rows()
        .await;
    assert_eq!(rows, [(1, "mine".to_owned())]);
}
