//! What an application is told at its start that cannot have its PostgreSQL database.

use crudauth::{AuthUser, PasswordHash, auth};

use crate::support;

/// An account.
#[derive(Debug, Clone, AuthUser)]
pub struct User {
    id: i64,
    email: String,
    password_hash: PasswordHash,
}

auth! {
    #[database(postgres)]
    struct Auth<User>;
}

/// Where the tests' server listens, `host:port`.
fn server() -> String {
    let options: sqlx::postgres::PgConnectOptions = support::db::server().parse().unwrap();
    format!("{}:{}", options.get_host(), options.get_port())
}

async fn refusal(url: &str) -> String {
    let error = Auth::connect(url)
        .secret(support::SECRET)
        .await
        .unwrap_err();
    error.to_string()
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_with_the_statement_that_makes_it() {
    let server = server();
    let url = support::db::server();
    let (place, options) = url.split_at(url.find('?').unwrap_or(url.len()));
    let (host, _) = place.rsplit_once('/').unwrap();

    assert_eq!(
        refusal(&format!("{host}/no_such_database{options}")).await,
        format!(
            "the PostgreSQL server at {server} has no database `no_such_database`; make it first: `CREATE DATABASE \
             \"no_such_database\"`"
        )
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_reason_and_without_the_password() {
    // Taken, so that nobody else comes to listen there.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = taken.local_addr().unwrap();

    let told = refusal(&format!("postgres://app:the-password@{nobody}/app")).await;

    let start = format!("the PostgreSQL server at {nobody} cannot be reached: ");
    assert!(told.starts_with(&start), "{told}");
    assert!(told.contains("refused"), "{told}");
    assert!(!told.contains("the-password"), "{told}");
}

#[tokio::test]
async fn a_role_that_may_not_connect_is_told_apart_from_a_server_that_is_not_there() {
    let server = server();

    let told = refusal(&format!(
        "postgres://no_such_role:the-password@{server}/app"
    ))
    .await;

    let start = format!("the PostgreSQL server at {server} refuses the connection: ");
    assert!(told.starts_with(&start), "{told}");
    assert!(told.contains("no_such_role"), "{told}");
    assert!(!told.contains("the-password"), "{told}");
}
