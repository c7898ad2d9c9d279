//! Roles of PostgreSQL that may do as little as possible: what suffices, and what is told at the start where it does not.

#![allow(dead_code, reason = "columns are there for the table, not to be read")]

use std::time::Duration;

use crudauth::{AuthUser, Dialect, PasswordHash, auth};
use time::OffsetDateTime;

use crate::role::Role;
use crate::support::{Client, PASSWORD};
use crate::wild::{live, made_by, refusal, run, start, try_start};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
    is_active: bool,
    token_version: i64,
    updated_at: Option<OffsetDateTime>,
    #[auth(register)]
    city: Option<String>,
    #[auth(own)]
    notes: Option<String>,
}

auth! {
    #[database(postgres)]
    struct Auth<User>;
}

const USERS: &str = "CREATE TABLE users (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, password_hash text NOT NULL,
    is_active boolean NOT NULL, token_version bigint NOT NULL, updated_at timestamptz, city text, notes text, secret text)";

/// The statements of the guide, word for word.
fn grants() -> Vec<&'static str> {
    let (_, guide) = include_str!("../../src/guide/production.md")
        .split_once("**Roles and grants.**")
        .unwrap();
    let (_, sql) = guide.split_once("```sql\n").unwrap();
    let (sql, _) = sql.split_once("```").unwrap();
    sql.lines()
        .map(|line| line.split(';').next().unwrap())
        .collect()
}

/// A role with the grants of the guide, on a table whose key is an identity column.
async fn granted() -> Role {
    let users = USERS.replace("bigserial", "bigint GENERATED ALWAYS AS IDENTITY");
    let role = Role::over(&(users + ";" + &Auth::schema_sql(Dialect::Postgres))).await;
    // PostgreSQL 14 still lets everybody use and fill `public`.
    role.owner("REVOKE ALL ON SCHEMA public FROM PUBLIC").await;
    for grant in grants() {
        role.owner(&grant.replace(" TO app", &format!(" TO {}", role.name)))
            .await;
    }
    role
}

#[tokio::test]
async fn the_grants_of_the_guide_suffice() {
    let role = granted().await;
    let auth = start!(Auth, role.pool().await);
    live!(auth, { "email": "ada@x.com", "city": "Paris" }, ["ada@x.com"]);
    auth.sessions().sweep().await.unwrap();
}

#[tokio::test]
async fn each_of_the_grants_of_the_guide_is_needed_and_asked_for_by_name() {
    let role = granted().await;
    let mut asked = 0;
    for grant in grants() {
        let (rights, rest) = grant
            .trim_start_matches("GRANT ")
            .split_once(" ON ")
            .unwrap();
        let (tables, _) = rest.split_once(" TO ").unwrap();
        for (right, table) in rights
            .split(", ")
            .flat_map(|right| tables.split(", ").map(move |table| (right, table)))
        {
            // Who deletes accounts is asked at the time.
            if right == "USAGE" || (table, right) == ("users", "DELETE") {
                continue;
            }
            role.owner(&format!("REVOKE {right} ON {table} FROM {}", role.name))
                .await;

            let told = refusal!(Auth, role.pool().await);

            if table == "users" {
                let columns = told
                    .matches(&format!("the database role may not {right} `users."))
                    .count();
                let lines = told.matches("the database role").count();
                let expected = match right {
                    "SELECT" => 8,
                    "INSERT" => 6,
                    _ => 4,
                };
                assert_eq!((columns, lines), (expected, expected), "{told}");
                assert!(told.contains(&format!(
                    "write `GRANT {right} (\"password_hash\") ON \"users\" TO` that role"
                )));
            } else {
                assert_eq!(
                    told,
                    format!(
                        "the database role may not {right} in `{table}`: write `GRANT {right} ON \"{table}\" TO` that role"
                    )
                );
            }
            role.owner(&format!("GRANT {right} ON {table} TO {}", role.name))
                .await;
            asked += 1;
        }
    }
    assert!(asked >= 4 * 4 + 1 + 3, "{asked}");
    start!(Auth, role.pool().await);
    // Without the schema nothing is found in it.
    role.owner(&format!("REVOKE USAGE ON SCHEMA public FROM {}", role.name))
        .await;
    let told = refusal!(Auth, role.pool().await);
    assert!(
        told.starts_with("a table of crudauth's cannot be created ("),
        "{told}"
    );
}

#[tokio::test]
async fn rights_to_single_columns_suffice_and_each_is_asked_for_with_table_and_column() {
    let role = granted().await;
    let app = role.name.clone();
    let columns = [
        (
            "SELECT",
            "id email password_hash is_active token_version updated_at city notes",
        ),
        (
            "INSERT",
            "email password_hash is_active token_version updated_at city",
        ),
        ("UPDATE", "password_hash is_active token_version updated_at"),
    ];
    role.owner(&format!(
        "REVOKE SELECT, INSERT, UPDATE ON users FROM {app}"
    ))
    .await;
    for (right, columns) in columns {
        let list = columns.replace(' ', ", ");
        role.owner(&format!("GRANT {right} ({list}) ON users TO {app}"))
            .await;
    }
    let auth = start!(Auth, role.pool().await);
    live!(auth, { "email": "ada@x.com" }, ["ada@x.com"]);
    for (right, columns) in columns {
        for column in columns.split(' ') {
            role.owner(&format!("REVOKE {right} ({column}) ON users FROM {app}"))
                .await;
            assert_eq!(
                refusal!(Auth, role.pool().await),
                format!(
                    "the database role may not {right} `users.{column}`: write `GRANT {right} (\"{column}\") ON \"users\" TO` \
                     that role"
                )
            );
            role.owner(&format!("GRANT {right} ({column}) ON users TO {app}"))
                .await;
        }
    }
}

#[tokio::test]
async fn a_sequence_that_numbers_the_rows_is_asked_for() {
    let role = granted().await;
    role.owner(
        "CREATE SEQUENCE \"User numbers\"; ALTER TABLE users ALTER id DROP IDENTITY, ALTER id SET DEFAULT nextval('\"User numbers\"')",
    )
    .await;
    let told = refusal!(Auth, role.pool().await);
    assert_eq!(
        told,
        "`users.id` is numbered by a sequence that the database role may not use: write `GRANT USAGE ON SEQUENCE \"User \
         numbers\" TO` that role"
    );
    let grant = told.split('`').nth(3).unwrap();
    role.owner(&format!("{grant} {}", role.name)).await;
    let auth = start!(Auth, role.pool().await);
    live!(auth, { "email": "ada@x.com" }, ["ada@x.com"]);
}

#[tokio::test]
async fn a_role_that_may_not_create_tables_starts_on_those_that_another_made() {
    let role = Role::over(USERS).await;
    role.owner("REVOKE ALL ON SCHEMA public FROM PUBLIC").await;
    role.owner(&format!(
        "GRANT USAGE ON SCHEMA public TO {0}; GRANT ALL ON users, users_id_seq TO {0}",
        role.name
    ))
    .await;

    let told = refusal!(Auth, role.pool().await);

    assert_eq!(
        told,
        "a table of crudauth's cannot be created (permission denied for schema public): start with a role that may, run \
         `migrate` with one before, or run what `schema_sql` gives"
    );
    // By the other role's `migrate`, twice; nobody has granted anything on them yet.
    Auth::migrate(role.owners.clone()).await.unwrap();
    Auth::migrate(role.owners.clone()).await.unwrap();
    let told = refusal!(Auth, role.pool().await);
    assert_eq!(
        told,
        "the database role may not SELECT in `auth_migrations`: write `GRANT SELECT ON \"auth_migrations\" TO` that role"
    );
    for grant in grants() {
        role.owner(&grant.replace(" TO app", &format!(" TO {}", role.name)))
            .await;
    }
    let auth = start!(Auth, role.pool().await);
    live!(auth, { "email": "ada@x.com" }, ["ada@x.com"]);
}

#[tokio::test]
async fn who_may_only_read_is_told_at_the_start_and_not_at_the_first_sign_in() {
    for migrated in [true, false] {
        let role = granted().await;
        let what = if migrated {
            "the tables of crudauth cannot be written: cannot execute "
        } else {
            role.owner("DROP TABLE auth_migrations").await;
            "a table of crudauth's cannot be created (cannot execute CREATE TABLE in a read-only transaction): "
        };
        role.owner(&format!(
            "ALTER ROLE {} SET default_transaction_read_only = on",
            role.name
        ))
        .await;

        let told = refusal!(Auth, role.pool().await);

        assert!(told.starts_with(what), "{told}");
        assert!(told.contains("in a read-only transaction"), "{told}");
    }
}

#[tokio::test]
async fn row_level_security_needs_a_policy_for_whatever_is_done() {
    let role = granted().await;
    let app = role.name.clone();
    role.owner("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
        .await;
    let told = |commands: &str| {
        format!(
            "row-level security is on for `users`, and no policy lets the database role {commands} a row: give that role a \
             policy for it, or `BYPASSRLS`"
        )
    };

    assert_eq!(
        refusal!(Auth, role.pool().await),
        told("SELECT, INSERT, UPDATE")
    );
    role.owner(&format!("CREATE POLICY other ON users TO postgres USING (true); CREATE POLICY no ON users AS RESTRICTIVE USING (true);
        CREATE POLICY reading ON users FOR SELECT TO {app} USING (true)")).await;
    assert_eq!(refusal!(Auth, role.pool().await), told("INSERT, UPDATE"));
    role.owner("CREATE POLICY writing ON users FOR INSERT TO PUBLIC WITH CHECK (true)")
        .await;
    assert_eq!(refusal!(Auth, role.pool().await), told("UPDATE"));
    role.owner(&format!(
        "CREATE POLICY auth ON users TO {app} USING (true) WITH CHECK (true)"
    ))
    .await;
    let auth = start!(Auth, role.pool().await);
    live!(auth, { "email": "ada@x.com" }, ["ada@x.com"]);
    // Ours too: some platforms switch it on for every table there is.
    role.owner("ALTER TABLE auth_sessions ENABLE ROW LEVEL SECURITY")
        .await;
    assert_eq!(
        refusal!(Auth, role.pool().await),
        told("SELECT, INSERT, UPDATE, DELETE").replace("`users`", "`auth_sessions`")
    );
    role.owner(&format!("ALTER ROLE {app} BYPASSRLS")).await;
    start!(Auth, role.pool().await);
}

#[tokio::test]
async fn a_tables_owner_is_above_its_policies_until_it_says_otherwise() {
    let role = granted().await;
    let app = role.name.clone();
    role.owner(&format!(
        "ALTER TABLE users OWNER TO {app}; ALTER TABLE users ENABLE ROW LEVEL SECURITY"
    ))
    .await;
    let auth = start!(Auth, role.pool().await);
    live!(auth, { "email": "ada@x.com" }, ["ada@x.com"]);

    role.owner("ALTER TABLE users FORCE ROW LEVEL SECURITY")
        .await;

    assert!(refusal!(Auth, role.pool().await).contains("SELECT, INSERT, UPDATE"));
}

#[tokio::test]
async fn a_row_that_refers_to_an_account_does_not_wait_for_a_sign_in() {
    let (_file, pool) = made_by(USERS).await;
    run(
        &pool,
        "CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users)",
    )
    .await;
    let auth = start!(Auth, pool);
    let mut ada = Client::new(auth.router());
    let body = serde_json::json!({ "email": "ada@x.com", "password": PASSWORD });
    ada.post_json("/register", &body).await;
    assert_eq!(ada.login("ada@x.com", PASSWORD).await.status, 200);
    // The next sign-in ends this session, and waits for whoever holds its row: with the account's row in its hands.
    let mut holder = pool.begin().await.unwrap();
    let lock = sqlx::query("SELECT FROM auth_sessions FOR UPDATE");
    lock.execute(&mut *holder).await.unwrap();
    let sign_in = tokio::spawn(async move { ada.login("ada@x.com", PASSWORD).await.status });
    let holds = tokio::time::timeout(Duration::from_secs(30), async {
        let probe = "SELECT FROM users FOR NO KEY UPDATE NOWAIT";
        while sqlx::query(probe).execute(&pool).await.is_ok() {}
    });
    holds.await.expect("the sign-in holds the account");

    let order = "SET lock_timeout = '300ms'; INSERT INTO orders (user_id) SELECT id FROM users";
    run(&pool, order).await;

    holder.rollback().await.unwrap();
    assert_eq!(sign_in.await.unwrap(), 200);
    assert!(try_start!(Auth, pool).is_ok());
}
