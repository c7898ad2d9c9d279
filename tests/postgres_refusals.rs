//! What PostgreSQL refuses, and how that is told: to a client by 422, to the operator in one sentence, to nobody with a
//! value in it.
//!
//! Runs once: PostgreSQL, whatever the product under test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(dead_code, reason = "columns are there for the table, not to be read")]

mod support;
#[path = "support/wild.rs"]
mod wild;

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::Method;
use crudauth::{AuthUser, CreateError, CreateUser, PasswordHash, auth};
use serde_json::{Value, json};
use sqlx::PgPool;
use support::{Answer, Client, FORM, JSON, PASSWORD, TempDb, encode};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wild::{made_by, run, start};

#[derive(Debug, Clone, Copy, sqlx::Type, serde::Deserialize)]
#[sqlx(type_name = "mood", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum Mood {
    Happy,
    Sad,
}

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    username: String,
    password_hash: PasswordHash,
    #[auth(register)]
    mood: Option<Mood>,
    #[auth(register)]
    color: Option<String>,
    #[auth(register)]
    age: Option<i16>,
    #[auth(register)]
    number: Option<i64>,
    #[auth(register)]
    motto: Option<String>,
    #[auth(default = "free")]
    plan: String,
}

auth! {
    #[database(postgres)]
    #[session(management)]
    struct Auth<User>;
}

async fn started() -> (TempDb, PgPool, Auth) {
    let (file, pool) = made_by(
        "CREATE TYPE mood AS ENUM ('happy'); CREATE DOMAIN color AS text CHECK (VALUE IN ('red', 'blue'));
         CREATE TABLE users (id bigserial PRIMARY KEY, email varchar(40) NOT NULL UNIQUE, username varchar(20) NOT NULL UNIQUE,
           password_hash text NOT NULL, mood mood, color color, age smallint, number bigint, motto text,
           plan text NOT NULL, CONSTRAINT plans CHECK (plan IN ('free', 'gold')),
           CONSTRAINT numbers EXCLUDE USING btree (number WITH =));
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF new.motto = 'forbidden' THEN RAISE 'not this motto: %', new.motto; END IF; RETURN new; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    let auth = start!(Auth, pool);
    (file, pool, auth)
}

async fn sign_up(client: &Client, more: Value) -> Answer {
    let mut body = json!({ "email": "ada@x.com", "username": "ada", "password": PASSWORD });
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    let client = client.clone().from(&support::fresh_address());
    client.post_json("/register", &body).await
}

#[tokio::test]
async fn whatever_the_table_refuses_of_a_sign_up_is_a_422_with_the_field_where_it_is_known() {
    let (_file, pool, auth) = started().await;
    let client = Client::new(auth.router());
    let long = |n| json!({ "type": "string_too_long", "n": n });

    for (more, field, expected) in [
        (
            json!({ "email": format!("{}@x.com", "a".repeat(40)) }),
            Some("email"),
            long(40),
        ),
        (
            json!({ "username": "é".repeat(21) }),
            Some("username"),
            long(20),
        ),
        (json!({ "mood": "sad" }), None, json!({})),
        (json!({ "color": "green" }), Some("color"), json!({})),
        (json!({ "age": 32_768 }), Some("age"), json!({})),
        (json!({ "number": 7 }), Some("number"), json!({})),
        (
            json!({ "number": i128::from(i64::MAX) + 1 }),
            Some("number"),
            json!({}),
        ),
        (json!({ "motto": "forbidden" }), None, json!({})),
        (json!({ "motto": "a\0b" }), Some("motto"), json!({})),
    ] {
        if more["number"] == 7 {
            run(&pool, "INSERT INTO users VALUES (0, 'x@x.com', 'x', '', NULL, NULL, NULL, 7, NULL, 'free')").await;
        }
        let answer = sign_up(&client, more.clone()).await;

        let place = ["body"].into_iter().chain(field).collect::<Vec<_>>();
        let (body, issue) = (answer.json(), &answer.json()["detail"][0]);
        assert_eq!(answer.status, 422, "{more}: {}", answer.text);
        assert_eq!(body["code"], "validation_error", "{more}");
        assert_eq!(issue["loc"], json!(place), "{more}");
        assert_eq!(
            issue["type"],
            *expected.get("type").unwrap_or(&json!("value_error")),
            "{more}"
        );
        assert_eq!(
            issue["ctx"]["max_length"],
            *expected.get("n").unwrap_or(&Value::Null)
        );
    }
    // What fits to the last character.
    for (email, username, number) in [
        (
            format!("{}@x.com", "a".repeat(34)),
            "é".repeat(20),
            i64::MAX,
        ),
        ("b@x.com".to_owned(), "𝒜🦀".repeat(10), i64::MIN),
    ] {
        let more = json!({ "email": email, "username": username, "number": number, "color": "red", "motto": "🦀" });
        let answer = sign_up(&client, more).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let mut browser = client.clone();
        assert_eq!(browser.login(&username, PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn no_text_that_a_client_can_send_is_a_failure_of_the_server() {
    let (_file, _pool, auth) = started().await;
    let client = Client::new(auth.router());
    assert_eq!(sign_up(&client, json!({})).await.status, 200);

    for text in [
        "\0",
        "a\0b",
        "a\0b@x.com",
        "🦀",
        "🦀@x.com",
        "\u{10ffff}",
        "\u{feff}ada",
        "a'b\"c\\d",
        "%00",
        "\u{200b}",
        "$1",
        "E'\\x00'",
        "ada@x.com\0",
        "\u{1}\u{7f}\u{80}",
        "-9223372036854775809",
        "{}",
        "\\x00",
        "NULL",
        "ａｄａ",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["x".repeat(5000), "🦀".repeat(2000)])
    {
        let mut browser = client.clone().from(&support::fresh_address());
        let login = browser.login(&text, PASSWORD).await;
        assert!(login.status.is_client_error(), "{text:?}: {}", login.text);
        for field in ["email", "username", "motto", "color", "mood"] {
            let answer = sign_up(&client, json!({ field: text })).await;
            assert!(
                !answer.status.is_server_error(),
                "{field} {text:?}: {}",
                answer.text
            );
        }
        for path in ["/sessions/", "/"] {
            let path = format!("{path}{}", encode(&text));
            let answer = browser.delete(&path).await;
            assert!(answer.status.is_client_error(), "{text:?}: {}", answer.text);
        }
    }
    // Half of a character, in JSON's own spelling and in bytes that are no text.
    for body in [
        r#"{"email":"s@x.com","username":"s\ud800","password":"correct horse battery"}"#
            .as_bytes()
            .to_vec(),
        b"{\"email\":\"s@x.com\",\"username\":\"s\xff\",\"password\":\"correct horse battery\"}"
            .to_vec(),
    ] {
        let answer = client.clone().from(&support::fresh_address());
        let answer = answer.post_body("/register", JSON, body).await;
        assert!(answer.status.is_client_error(), "{}", answer.text);
    }
    // User agents that are long, or nothing that a text of PostgreSQL holds.
    for agent in [
        vec![b'x'; 20_000],
        "🦀".repeat(999).into_bytes(),
        b"\xff\xfe\x80 \t".to_vec(),
        Vec::new(),
    ] {
        let body = format!("username=ada&password={}", encode(PASSWORD));
        let browser = client.clone().from(&support::fresh_address());
        let request = browser
            .request(Method::POST, "/login")
            .header("content-type", FORM)
            .header("user-agent", agent);
        let answer = browser.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

static LOG: Mutex<String> = Mutex::new(String::new());

/// Keeps everything, of every level, from every crate.
struct Everything;

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = writeln!(self.0, "{}={value:?}", field.name());
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        event.record(&mut Writer(&mut log));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn no_value_of_a_refused_statement_is_in_an_error_or_in_a_log() {
    let _ = tracing::subscriber::set_global_default(Everything);
    let (_file, pool, auth) = started().await;
    let client = Client::new(auth.router());
    let create = async |plan: &str| {
        let users = auth.users();
        let new = CreateUser::<User> {
            email: Some("zq-secret@x.com".to_owned()),
            username: Some("zq-secret".to_owned()),
            password: PASSWORD.to_owned(),
            columns: UserColumns {
                mood: None,
                color: None,
                age: None,
                number: None,
                motto: Some("zq-secret".to_owned()),
                plan: plan.to_owned(),
            },
            email_verified: false,
            superuser: false,
        };
        users.create(new).await
    };

    // The server quotes the row that breaks a constraint: "Failing row contains (1, zq-secret@x.com, …, $argon2id$…)".
    let refused = create("zq-secret").await.unwrap_err();
    let CreateError::Failed(failed) = &refused else {
        panic!("{refused:?}");
    };
    let mut told = format!(
        "{refused} {refused:?} {failed} {failed:?} {:?}",
        failed.source()
    );
    assert!(told.contains("`plans`") && told.contains("23514"), "{told}");
    // A unique index that no look-up of ours asks: "Key (motto)=(zq-secret) already exists."
    run(&pool, "CREATE UNIQUE INDEX mottos ON users (motto, plan)").await;
    create("free").await.unwrap();
    let motto = json!({ "motto": "zq-secret" });
    let taken = sign_up(&client, motto).await;
    assert_eq!(taken.code(), "account_exists");
    // A value that is not one of an enumeration, and a statement that fails for another reason.
    for change in [
        "ALTER TABLE users ALTER motto TYPE mood USING NULL",
        "ALTER TABLE users DROP motto",
    ] {
        run(&pool, change).await;
        let body =
            json!({ "username": "zq-secret-2", "email": "zq-secret2@x.com", "motto": "zq-secret" });
        let answer = sign_up(&client, body).await;
        assert!(!answer.text.contains("zq-secret"), "{}", answer.text);
        let _ = write!(told, "{:?}", create("free").await);
    }
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(log.contains("refused a statement"), "{log}");
    for text in [&told, &*log] {
        assert!(
            !text.contains("zq-secret") && !text.contains("argon2id$"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_told_without_what_is_in_it() {
    for (url, told) in [
        (
            "host=db user=app password=geheim",
            "the database URL begins with no product, but",
        ),
        (
            "app:geheim@db/app",
            "the database URL begins with `app:`, but",
        ),
        (
            "//app:geheim@db/app",
            "the database URL begins with no product, but",
        ),
        (
            "mysql://app:geheim@db/app",
            "the database URL begins with `mysql:`, but the block declares `#[database(postgres)]`",
        ),
        (
            "sqlite:geheim.db",
            "the database URL begins with `sqlite:`, but the block declares `#[database(postgres)]`",
        ),
        (
            "postgres://app:geheim@db:port/app",
            "the database URL cannot be read: ",
        ),
        (
            "postgres://app:geheim@[db/app",
            "the database URL cannot be read: ",
        ),
        (
            "postgres://app:geheim@db/app?sslmode=geheim",
            "the database URL cannot be read: ",
        ),
    ] {
        let error = Auth::connect(url)
            .secret(support::SECRET)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(told), "{url}: {error}");
        assert!(
            !error.replace("`geheim`", "").contains("geheim@") && !error.contains("=geheim"),
            "{error}"
        );
    }
}
