//! Account tables with columns for identities: which of them the start takes, and what one does not hold.

use crudauth::oauth::Credentials;
use crudauth::testing::{CaptureMailer, TestBuilder as _};
use crudauth::{AuthUser, PasswordHash, auth};
use serde_json::json;

use crate::elsewhere::{PUBLIC, by, credentials, error, me};
use crate::linked::{Club, Heard, Member, link};
use crate::oidc::provider::{Person, Provider};
use crate::support::{Client, Db, PASSWORD, SECRET, TempDb, dialect, pool};

/// The statement that makes the account table, with another definition of `demo_id`.
fn table(definition: &str) -> String {
    let own = |line: &str| line.trim_start().starts_with("\"demo_id\"");
    let line = format!("  \"demo_id\" {definition},");
    let text = Member::create_table_sql(dialect());
    let lines: Vec<_> = text
        .lines()
        .map(|one| if own(one) { line.as_str() } else { one })
        .collect();
    assert!(lines.contains(&line.as_str()), "{text}");
    lines.join("\n")
}

/// Starts over such a table; the provider `demo` with it.
async fn start(db: Db, definition: &str) -> (crudauth::Result<Club>, Provider) {
    db.run(table(definition)).await;
    let demo = Provider::start().await.unwrap();
    let mail = CaptureMailer::new();
    let auth = Club::builder(db)
        .secret(SECRET)
        .cheap_hashing()
        .manual_workers()
        .mailer(mail)
        .public_url(PUBLIC)
        .oidc("demo", credentials(&demo))
        .oidc("other", credentials(&demo))
        .oidc("loose", credentials(&demo))
        .hooks(Heard::new());
    (auth.await, demo)
}

#[tokio::test]
async fn a_subject_that_its_column_does_not_take_opens_and_leaves_nothing() {
    let file = TempDb::new();
    let short = "TEXT UNIQUE CHECK (length(demo_id) < 8)";
    let (auth, demo) = start(pool(&file.url(), 2).await, short).await;
    let auth = auth.unwrap();
    let router = crudauth::routing::Router::new()
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    let db = pool(&file.url(), 2).await;
    let email = "ada@example.com";
    demo.person(Person::new("a-subject-too-long", Some(email), true));
    let mut client = Client::new(router.clone());
    let answer = by(&mut client, "demo", "a-subject-too-long").await;
    assert_eq!(error(&answer), "oauth_failed", "{}", answer.text);
    assert_eq!(db.count("SELECT count(*) FROM users").await, 0);

    // Nor is it linked to an account that is there.
    let body = json!({ "email": email, "username": "ada", "password": PASSWORD });
    Client::new(router.clone())
        .post_json("/register", &body)
        .await;
    db.run("UPDATE users SET email_verified = (1 = 1)").await;
    let answer = by(&mut client, "demo", "a-subject-too-long").await;
    assert_eq!(error(&answer), "oauth_failed", "{}", answer.text);
    let mut ada = Client::new(router);
    assert_eq!(ada.login("ada", PASSWORD).await.status, 200);
    let answer = link(&mut ada, "demo", "a-subject-too-long").await;
    assert_eq!(error(&answer), "oauth_failed", "{}", answer.text);
    let held = "SELECT count(*) FROM users WHERE demo_id IS NOT NULL";
    assert_eq!(db.count(held).await, 0);
}

/// In a column that sees no difference between `ADA` and `ada`, they are two people all the same.
#[tokio::test]
async fn a_subject_has_upper_and_lower_case() {
    let file = TempDb::new();
    let db = pool(&file.url(), 2).await;
    let definition = match dialect() {
        crudauth::Dialect::Postgres => {
            db.run("CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)").await;
            "TEXT COLLATE folded UNIQUE"
        }
        _ => "TEXT COLLATE NOCASE UNIQUE",
    };
    let (auth, demo) = start(db, definition).await;
    let auth = auth.unwrap();
    let router = crudauth::routing::Router::new()
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    by(&mut Client::new(router.clone()), "demo", "ada").await;
    demo.person(Person::new("ADA", Some("mallory@example.com"), true));
    let mut other = Client::new(router);
    let answer = by(&mut other, "demo", "ADA").await;
    assert_eq!(error(&answer), "oauth_failed", "{}", answer.text);
    assert_eq!(me(&other).await, "");
}

/// Without an index of its own two accounts could hold one identity.
#[tokio::test]
async fn a_column_that_two_accounts_could_share_stops_the_start() {
    let file = TempDb::new();
    let (auth, _) = start(pool(&file.url(), 2).await, "TEXT").await;
    let told = auth.unwrap_err().to_string();
    assert!(
        told.contains("`users.demo_id` has no unique index of its own"),
        "{told}"
    );
    let file = TempDb::new();
    let (auth, _) = start(pool(&file.url(), 2).await, "TEXT NOT NULL UNIQUE").await;
    let told = auth.unwrap_err().to_string();
    assert!(told.contains("`users.demo_id` is NOT NULL"), "{told}");
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct Employee {
    id: i64,
    email: String,
    email_verified: bool,
    password_hash: PasswordHash,
    #[auth(identity = "microsoft")]
    microsoft_id: Option<String>,
}

auth! {
    #[database(sqlite, postgres)]
    #[oauth(microsoft)]
    pub struct Office<Employee>;
}

/// Each tenant names people for itself, and the column does not say which one did.
#[tokio::test]
async fn a_column_for_the_people_of_many_tenants_stops_the_start() {
    let tenant = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
    for (issuer, starts) in [(None, false), (Some(tenant), true)] {
        let file = TempDb::new();
        let db = pool(&file.url(), 2).await;
        db.run(Employee::create_table_sql(dialect())).await;
        let mut credentials = Credentials::new("id", "secret");
        if let Some(issuer) = issuer {
            credentials = credentials.issuer(issuer);
        }
        let auth = Office::builder(db)
            .secret(SECRET)
            .cheap_hashing()
            .manual_workers()
            .public_url(PUBLIC)
            .microsoft(credentials)
            .await;
        match auth {
            Ok(_) => assert!(starts),
            Err(error) => {
                let told = error.to_string();
                assert!(!starts && told.contains("`microsoft_id`"), "{told}");
                assert!(told.contains("the issuer of one tenant"), "{told}");
            }
        }
    }
}
