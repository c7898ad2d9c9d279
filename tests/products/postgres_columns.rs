//! Columns of PostgreSQL's own kinds: addresses that ignore capitals, instants, enumerations, what the table computes.

#![allow(dead_code, reason = "columns are there for the table, not to be read")]

use crudauth::account::AuthUser as _;
use crudauth::{AuthUser, Dialect, PasswordHash, auth};
use serde_json::json;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::support::{Client, PASSWORD};
use crate::wild::{live, made_by, refusal, run, start};

/// As Devise makes it, in a Rails application.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
struct Devise {
    id: i64,
    email: String,
    #[auth(password, column = "encrypted_password")]
    hash: PasswordHash,
    is_active: bool,
}

auth! {
    #[database(postgres)]
    struct DeviseAuth<Devise>;
}

fn devise(email: &str, index: &str) -> String {
    format!(
        "CREATE EXTENSION citext; CREATE DOMAIN address AS citext CHECK (VALUE LIKE '%@%');
         CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE users (id bigserial NOT NULL, email {email} DEFAULT '' NOT NULL,
           encrypted_password character varying DEFAULT ''::character varying NOT NULL, reset_password_token character varying,
           is_active boolean DEFAULT true NOT NULL, created_at timestamp(6) without time zone DEFAULT now() NOT NULL,
           CONSTRAINT users_pkey PRIMARY KEY (id)); {index}"
    )
}

const INDEX: &str = "CREATE UNIQUE INDEX index_users_on_email ON users USING btree (email)";

#[tokio::test]
async fn an_address_column_that_ignores_capitals_finds_rows_that_others_wrote_with_some() {
    for email in [
        "citext",
        "address",
        "text COLLATE nocase",
        "varchar(255) COLLATE nocase",
    ] {
        let (_file, pool) = made_by(&devise(email, INDEX)).await;
        let auth = start!(DeviseAuth, pool);
        live!(auth, { "email": "Ada@x.com" }, ["aDa@X.com"]);
        let client = Client::new(auth.router());
        let body = |email: &str| json!({ "email": email, "password": PASSWORD });
        client.post_json("/register", &body("bob@x.com")).await;
        run(&pool, "UPDATE users SET email = 'Bob@X.com'").await;

        let mut bob = client.clone();
        assert_eq!(
            bob.login("bob@x.com", PASSWORD).await.status,
            200,
            "{email}"
        );
        assert_eq!(bob.get("/me").await.json()["email"], "Bob@X.com");
        let taken = client.post_json("/register", &body("boB@x.com")).await;
        assert_eq!(taken.code(), "email_taken", "{email}");
        let found = auth.users().find_by_email("BOB@x.com").await.unwrap();
        assert_eq!(found.unwrap().email, "Bob@X.com");
    }
}

#[tokio::test]
async fn an_index_that_leaves_room_for_two_accounts_is_refused_with_the_one_to_make() {
    for (email, index) in [
        (
            "text",
            "CREATE UNIQUE INDEX by_lower ON users (lower(email))",
        ),
        (
            "text",
            "CREATE UNIQUE INDEX living ON users (email) WHERE is_active",
        ),
        (
            "text",
            "CREATE UNIQUE INDEX pair ON users (email, is_active)",
        ),
        ("text", "CREATE INDEX not_unique ON users (email)"),
    ] {
        let (_file, pool) = made_by(&devise(email, index)).await;

        let told = refusal!(DeviseAuth, pool);

        assert_eq!(
            told,
            "`users.email` has no unique index of its own: without one, two sign-ups at the same moment make two accounts; \
             write `CREATE UNIQUE INDEX \"users_email\" ON \"users\" (\"email\")`"
        );
        run(&pool, told.split('`').nth(3).unwrap()).await;
        start!(DeviseAuth, pool);
    }
}

#[tokio::test]
async fn uniqueness_that_is_checked_at_the_end_of_a_transaction_will_do() {
    let constraint = "ALTER TABLE users ADD UNIQUE (email) DEFERRABLE INITIALLY DEFERRED";
    let (_file, pool) = made_by(&devise("varchar(254)", constraint)).await;
    let auth = start!(DeviseAuth, pool);
    live!(auth, { "email": "ada@x.com" }, ["ada@x.com"]);
    let race: Vec<_> = (0..4)
        .map(|host| {
            let client = Client::new(auth.router()).from(&format!("10.0.0.{host}"));
            tokio::spawn(async move {
                let body = json!({ "email": "bob@x.com", "password": PASSWORD });
                client.post_json("/register", &body).await.code()
            })
        })
        .collect();
    let mut codes = Vec::new();
    for one in race {
        codes.push(one.await.unwrap());
    }
    codes.sort();
    assert_eq!(codes, ["", "email_taken", "email_taken", "email_taken"]);
}

#[tokio::test]
async fn a_column_that_pads_cuts_or_has_no_room_for_a_hash_is_refused() {
    for (column, told) in [
        (
            "email char(100)",
            "`users.email` is declared `character(100)`, but the field `email` is stored as `TEXT`",
        ),
        (
            "email name",
            "`users.email` is declared `name`, but the field `email` is stored as `TEXT`",
        ),
        (
            "encrypted_password varchar(60)",
            "`users.encrypted_password` holds 60 characters, and a password hash has up to 98: give the column more room",
        ),
    ] {
        let (_file, pool) = made_by(&devise("text", INDEX)).await;
        let (name, ty) = column.split_once(' ').unwrap();
        run(&pool, &format!("ALTER TABLE users ALTER {name} TYPE {ty}")).await;
        assert_eq!(refusal!(DeviseAuth, pool), told);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, sqlx::Type, serde::Deserialize)]
#[sqlx(type_name = "mood", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum Mood {
    Happy,
    Sad,
}

/// As Laravel and hand-written schemas have it.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "members")]
struct Member {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    is_active: bool,
    created_at: PrimitiveDateTime,
    updated_at: Option<OffsetDateTime>,
    #[auth(register)]
    mood: Mood,
    #[auth(register)]
    other: Option<Mood>,
    #[auth(register, max_length = 5)]
    city: String,
    #[auth(register)]
    age: Option<i16>,
    #[auth(own)]
    label: Option<String>,
    #[auth(own)]
    tier: String,
}

auth! {
    #[database(postgres)]
    struct Members<Member>;
}

const MEMBERS: &str = "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE members (id bigint GENERATED ALWAYS AS IDENTITY
    PRIMARY KEY, email text NOT NULL UNIQUE, password_hash text NOT NULL, is_active boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL, updated_at timestamptz, mood mood NOT NULL, other mood DEFAULT 'sad',
    city varchar(5) NOT NULL, age smallint CHECK (age > 0), label text GENERATED ALWAYS AS (city || '!') STORED,
    tier text NOT NULL DEFAULT 'free', prefs jsonb NOT NULL DEFAULT '{}', tags text[] NOT NULL DEFAULT '{}',
    seen inet, CONSTRAINT grown CHECK (age < 150 AND mood <> 'sad'))";

#[tokio::test]
async fn enumerations_generated_columns_and_defaults_are_the_tables_own() {
    let (_file, pool) = made_by(MEMBERS).await;
    let auth = start!(Members, pool);
    live!(auth, { "email": "ada@x.com", "mood": "happy", "city": "Paris", "age": 36 }, ["ada@x.com"]);
    let client = Client::new(auth.router());
    let body =
        json!({ "email": "bob@x.com", "password": PASSWORD, "mood": "happy", "city": "Łódź" });
    let made = client.post_json("/register", &body).await;
    let user = auth
        .users()
        .find_by_email("bob@x.com")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(made.json()["id"], *user.id());
    assert_eq!(
        (user.mood, user.other, user.is_active),
        (Mood::Happy, None, true)
    );
    assert_eq!(
        (user.label.as_deref(), &*user.tier),
        (Some("Łódź!"), "free")
    );
    assert_eq!(user.updated_at.unwrap(), user.created_at.assume_utc());
}

#[tokio::test]
async fn a_column_whose_type_or_computation_is_not_the_fields_is_named() {
    for (change, told) in [
        (
            "ALTER created_at TYPE timestamptz",
            "`members.created_at` is declared `timestamp with time zone`, but the field `created_at` is stored as `TIMESTAMP \
             WITHOUT TIME ZONE`",
        ),
        (
            "ALTER age TYPE integer",
            "`members.age` is declared `integer`, but the field `age` is stored as `SMALLINT`",
        ),
        (
            "ALTER city TYPE varchar(4)",
            "`members.city` holds 4 characters, and the field `city` takes 5: write `max_length = 4`, or give the column more \
             room",
        ),
        (
            "DROP other, ADD other mood GENERATED ALWAYS AS (mood) STORED",
            "`members.other` is computed by the database, and sign-up writes the field `other`: take `register`, `default` \
             or `new_user` off it",
        ),
        (
            "ADD referrer bigint NOT NULL",
            "`members.referrer` is NOT NULL without a default, and sign-up does not fill it: mark its field \
             `#[auth(register)]`, `#[auth(default = …)]` or `#[auth(new_user)]`, or give the column a default",
        ),
    ] {
        let (_file, pool) = made_by(MEMBERS).await;
        run(
            &pool,
            &format!(
                "ALTER TABLE members DROP label; ALTER TABLE members ADD label text, {change}"
            ),
        )
        .await;
        assert_eq!(refusal!(Members, pool), told);
    }
}

/// What `create_table_sql` makes of columns that nobody fills.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "fillers", schema = "own")]
struct Filled {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    is_active: bool,
    #[auth(created_at)]
    born: i64,
    text: String,
    flag: bool,
    small: i16,
    real: f64,
    uuid: uuid::Uuid,
    at: OffsetDateTime,
    day: time::Date,
    bytes: Vec<u8>,
    mood: Option<Mood>,
    #[auth(register)]
    registered: Mood,
}

auth! {
    #[database(postgres)]
    struct Fillers<Filled>;
}

#[tokio::test]
async fn the_statement_for_the_table_gives_every_column_that_nobody_fills_a_default() {
    let (_file, pool) = made_by("CREATE TYPE mood AS ENUM ('sad', 'happy')").await;
    run(&pool, &Filled::create_table_sql(Dialect::Postgres)).await;
    let auth = start!(Fillers, pool);
    live!(auth, { "email": "ada@x.com", "registered": "sad" }, ["ada@x.com"]);
}

/// A type of the application's own that nobody fills: no default can be made up for it.
#[derive(Debug, Clone, AuthUser)]
#[auth(table = "moody")]
struct Moody {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    mood: Mood,
}

auth! {
    #[database(postgres)]
    struct MoodyAuth<Moody>;
}

#[tokio::test]
async fn a_type_of_the_applications_own_without_a_value_is_asked_for() {
    let (_file, pool) = made_by("CREATE TYPE mood AS ENUM ('sad', 'happy')").await;
    run(&pool, &Moody::create_table_sql(Dialect::Postgres)).await;

    let told = refusal!(MoodyAuth, pool);

    assert!(
        told.starts_with("`moody.mood` is NOT NULL without a default"),
        "{told}"
    );
}
