//! Account shapes: which columns there are, what they are called, what the key is, and whose columns are whose.

#![allow(
    dead_code,
    reason = "columns are read back from the table, not from the fields"
)]

use crudauth::testing::{Clock, TestBuilder};
use crudauth::{AccountKey, AuthUser, PasswordHash, auth};
use serde_json::{Value, json};
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use crate::support::{self, Answer, Client, Db, PASSWORD, SECRET, TempDb};

/// Starts a block on a file of its own: the client, a look at the file, the clock and the authority.
macro_rules! start {
    ($auth:ty) => {{
        let file = TempDb::new();
        let clock = Clock::manual();
        let auth = <$auth>::connect(file.url())
            .create_users_table(true)
            .secret(SECRET)
            .clock(clock.clone())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let db: Db = support::pool(&file.url(), 1).await;
        (Client::new(auth.router()), db, clock, auth, file)
    }};
}

async fn register(client: &Client, mut body: Value) -> Answer {
    body["password"] = json!(PASSWORD);
    client.post_json("/register", &body).await
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "people")]
struct MaybeEmail {
    id: i64,
    email: Option<String>,
    username: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite, postgres)]
    struct EmailIfAny<MaybeEmail>;
}

#[tokio::test]
async fn a_nullable_address_may_be_left_out_where_there_is_a_user_name() {
    let (mut client, db, _clock, _auth, _file) = start!(EmailIfAny);

    let without = register(&client, json!({ "username": "ada" })).await;
    let with = register(&client, json!({ "username": "bob", "email": "Bob@x.com" })).await;
    let wrong = register(&client, json!({ "username": "eve", "email": "nobody" })).await;

    assert_eq!(without.text, r#"{"id":1,"email":null,"username":"ada"}"#);
    assert_eq!(
        with.text,
        r#"{"id":2,"email":"bob@x.com","username":"bob"}"#
    );
    assert_eq!(wrong.status, 422);
    assert_eq!(client.login("ada", PASSWORD).await.status, 200);
    assert_eq!(client.login("bob@X.com", PASSWORD).await.status, 200);
    let addresses: i64 = db.query("SELECT count(email) FROM people").scalar().await;
    assert_eq!(addresses, 1);
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "people")]
struct ByEmail {
    id: Uuid,
    email: String,
    password_hash: Option<PasswordHash>,
}

auth! {
    #[database(sqlite, postgres)]
    struct EmailOnly<ByEmail>;
}

#[tokio::test]
async fn an_email_only_account_has_no_user_name_anywhere() {
    let (mut client, _db, _clock, auth, _file) = start!(EmailOnly);

    let made = register(&client, json!({ "email": "Ada@x.com", "username": "ada" })).await;
    let missing = register(&client, json!({})).await;

    let id: Uuid = made.json()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(
        made.text,
        format!(r#"{{"id":"{id}","email":"ada@x.com","username":null}}"#)
    );
    assert_eq!(missing.json()["detail"].as_array().unwrap().len(), 1);
    let login = client.login("ADA@x.com", PASSWORD).await;
    assert_eq!(
        login.text,
        format!(
            r#"{{"id":"{id}","username":null,"csrf_token":"{}"}}"#,
            client.csrf.clone().unwrap()
        )
    );
    assert_eq!(
        client.get("/me").await.text,
        format!(
            r#"{{"user_id":"{id}","username":null,"email":"ada@x.com","is_superuser":false,"scopes":[],"via":"session"}}"#
        )
    );
    assert_eq!(client.clone().login("ada", PASSWORD).await.status, 401);
    // One spelling of a key, and no other.
    assert!(
        auth.users()
            .find_by_key(&id.to_string())
            .await
            .unwrap()
            .is_some()
    );
    for other in [
        id.simple().to_string(),
        id.to_string().to_uppercase(),
        id.urn().to_string(),
        id.braced().to_string(),
        format!(" {id}"),
    ] {
        assert!(
            auth.users().find_by_key(&other).await.unwrap().is_none(),
            "{other}"
        );
    }
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "people")]
struct ByName {
    id: String,
    username: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(sqlite, postgres)]
    struct NameOnly<ByName>;
}

#[tokio::test]
async fn a_user_name_only_account_signs_up_without_an_address() {
    let (mut client, db, _clock, auth, _file) = start!(NameOnly);

    let made = register(&client, json!({ "username": "Ada" })).await;
    let twice = register(&client, json!({ "username": "ADA" })).await;

    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 4);
    assert_eq!(
        made.text,
        format!(r#"{{"id":"{id}","email":null,"username":"Ada"}}"#)
    );
    assert_eq!(
        (twice.status.as_u16(), twice.code().as_str()),
        (422, "username_taken")
    );
    assert_eq!(client.login("Ada", PASSWORD).await.status, 200);
    assert_eq!(
        client.get("/me").await.text,
        format!(
            r#"{{"user_id":"{id}","username":"Ada","email":null,"is_superuser":false,"scopes":[],"via":"session"}}"#
        )
    );
    // Without an epoch column a change of password still ends every other session.
    let mut other = client.clone();
    other.cookies.clear();
    other.login("Ada", PASSWORD).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
    assert_eq!(
        client.post_json("/change-password", &change).await.status,
        200
    );
    assert_eq!(
        (
            client.get("/me").await.status.as_u16(),
            other.get("/me").await.status.as_u16()
        ),
        (200, 401)
    );
    assert!(auth.users().find_by_key(&id).await.unwrap().is_some());
    assert!(
        auth.users()
            .find_by_key(&id.to_uppercase())
            .await
            .unwrap()
            .is_none()
    );
    let names: Vec<String> = db.columns("people").await;
    assert_eq!(names, ["id", "username", "password_hash"]);
}

#[derive(Debug, Clone, PartialEq)]
struct MemberId(i64);

impl AccountKey for MemberId {
    type Inner = i64;
    fn from_inner(inner: i64) -> Self {
        Self(inner)
    }
    fn as_inner(&self) -> &i64 {
        &self.0
    }
}

fn starting_credit() -> i64 {
    25
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "club_members")]
struct Member {
    #[auth(id, column = "member_no")]
    key: MemberId,
    #[auth(email, column = "mail")]
    contact: Option<String>,
    #[auth(username, column = "nick")]
    handle: String,
    #[auth(password, column = "secret")]
    hash: Option<PasswordHash>,
    #[auth(is_active, column = "enabled")]
    on: bool,
    #[auth(token_version, column = "epoch")]
    version: i64,
    #[auth(created_at, column = "joined")]
    since: OffsetDateTime,
    #[auth(updated_at, column = "touched")]
    changed: Option<PrimitiveDateTime>,
    #[auth(register, max_length = 5)]
    city: String,
    #[auth(register)]
    age: Option<i64>,
    #[auth(register, default = true)]
    news: bool,
    #[auth(default = "free", column = "tier")]
    plan: String,
    #[auth(default(starting_credit))]
    credit: i64,
    #[auth(own, default = false)]
    email_verified: bool,
    #[auth(skip)]
    cached: u8,
}

/// Key, name, city, age, news, tier, credit, verified.
type OwnColumns = (i64, String, String, Option<i64>, bool, String, i64, bool);

auth! {
    #[database(sqlite, postgres)]
    #[tables(prefix = "club_")]
    struct Club<Member>;
}

#[tokio::test]
async fn renamed_columns_newtype_keys_and_own_columns_are_read_and_written() {
    let (mut client, db, clock, auth, _file) = start!(Club);

    let made = register(&client, json!({ "email": "ada@x.com", "username": "ada", "city": "Paris", "age": 36, "plan": "gold", "credit": 9, "cached": 3, "member_no": 5, "mail": "x@x.com" })).await;
    let least = register(
        &client.clone().from("198.51.100.2"),
        json!({ "email": "bob@x.com", "username": "bob", "city": "", "age": null, "news": false }),
    )
    .await;

    assert_eq!(
        made.text,
        r#"{"id":1,"email":"ada@x.com","username":"ada"}"#
    );
    assert_eq!(least.status, 200, "{}", least.text);
    let rows: Vec<OwnColumns> = db.query("SELECT member_no, nick, city, age, news, tier, credit, email_verified FROM club_members ORDER BY member_no").rows().await;
    assert_eq!(
        rows,
        [
            (
                1,
                "ada".into(),
                "Paris".into(),
                Some(36),
                true,
                "free".into(),
                25,
                false
            ),
            (
                2,
                "bob".into(),
                String::new(),
                None,
                false,
                "free".into(),
                25,
                false
            )
        ]
    );
    assert_eq!(client.login("ada@x.com", PASSWORD).await.status, 200);
    assert_eq!(client.get("/me").await.json()["user_id"], 1);
    let ada = auth.users().find(&MemberId(1)).await.unwrap().unwrap();
    assert_eq!(
        (ada.key, ada.contact.as_deref(), ada.on, ada.cached),
        (MemberId(1), Some("ada@x.com"), true, 0)
    );
    assert_eq!(
        db.tables().await,
        [
            "club_attempts",
            "club_elevations",
            "club_identities",
            "club_limits",
            "club_members",
            "club_migrations",
            "club_oauth_states",
            "club_outbox",
            "club_refresh_tokens",
            "club_sessions",
            "club_tokens",
            "club_usernames"
        ]
    );
    // Instants are the clock's, and a change of password is one to the row.
    let (joined, touched): (OffsetDateTime, PrimitiveDateTime) = db
        .query("SELECT joined, touched FROM club_members WHERE member_no = 1")
        .row()
        .await;
    assert_eq!((joined, touched.assume_utc()), (ada.since, ada.since));
    clock.advance(std::time::Duration::from_mins(7));
    let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
    assert_eq!(
        client.post_json("/change-password", &change).await.status,
        200
    );
    let after = auth.users().find(&MemberId(1)).await.unwrap().unwrap();
    assert_eq!(after.since, joined);
    assert_eq!(
        after.changed.unwrap().assume_utc() - joined,
        time::Duration::minutes(7)
    );
}

#[tokio::test]
async fn what_a_client_sends_for_an_opened_column_is_judged_like_the_rest() {
    let (client, db, _clock, _auth, _file) = start!(Club);
    let body = |city: Value, age: Value| json!({ "email": "ada@x.com", "username": "ada", "city": city, "age": age });

    for (city, age, field, kind) in [
        (json!("London"), json!(1), "city", "string_too_long"),
        (json!(null), json!(1), "city", "string_type"),
        (json!(7), json!(1), "city", "string_type"),
        (json!("a\0b"), json!(1), "city", "value_error"),
        (json!("Paris"), json!("36"), "age", "value_error"),
        (json!("Paris"), json!(1.5), "age", "value_error"),
        (
            json!("Paris"),
            json!(9_223_372_036_854_775_808_u64),
            "age",
            "value_error",
        ),
    ] {
        let answer = register(&client, body(city, age)).await;
        let issue = answer.json()["detail"][0].clone();
        assert_eq!(
            (
                answer.status.as_u16(),
                issue["loc"][1].as_str(),
                issue["type"].as_str()
            ),
            (422, Some(field), Some(kind)),
            "{}",
            answer.text
        );
    }
    let missing = register(&client, json!({ "email": "ada@x.com", "username": "ada" })).await;
    assert_eq!(missing.json()["detail"][0]["loc"][1], "city");
    let accounts: i64 = db.query("SELECT count(*) FROM club_members").scalar().await;
    assert_eq!(accounts, 0);
}

#[tokio::test]
async fn the_applications_own_columns_are_left_alone_by_every_flow() {
    let (mut client, db, _clock, auth, _file) = start!(Club);
    register(
        &client,
        json!({ "email": "ada@x.com", "username": "ada", "city": "Paris" }),
    )
    .await;
    db.run("ALTER TABLE club_members ADD COLUMN notes TEXT; UPDATE club_members SET notes = 'mine', credit = 99, tier = 'gold', city = 'a much longer one'").await;
    let own = "SELECT notes, credit, tier, city, news, email_verified FROM club_members";
    let before: (String, i64, String, String, bool, bool) = db.query(own).row().await;
    let long = "a much longer one".to_owned();
    assert_eq!(
        before,
        ("mine".into(), 99, "gold".into(), long, true, false)
    );

    assert_eq!(client.login("ada", PASSWORD).await.status, 200);
    let change = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
    assert_eq!(
        client.post_json("/change-password", &change).await.status,
        200
    );
    auth.users().disable(&MemberId(1)).await.unwrap();
    auth.users().enable(&MemberId(1)).await.unwrap();
    assert_eq!(
        client
            .clone()
            .login("ada", "a wholly different one")
            .await
            .status,
        200
    );

    let after: (String, i64, String, String, bool, bool) = db.query(own).row().await;
    assert_eq!(after, before);
}
