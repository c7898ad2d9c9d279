//! A guarded server in one file: `cargo run --example quickstart`, then paste the lines it prints. It keeps its accounts in
//! `quickstart.db`, or in an empty PostgreSQL database: `DATABASE_URL=postgres://… cargo run --example quickstart`.

#![allow(missing_docs, reason = "an application has no readers of its API")]

use axum::{Json, Router, routing::get};
use crudauth::{AuthUser, PasswordHash, Principal, auth, public, require};

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct User {
    pub id: i64,
    pub email: String,
    pub username: String,
    password_hash: PasswordHash,
    pub is_active: bool,
    token_version: i64,
}

auth! {
    #[session(danger_insecure_cookies)] // plain HTTP on this machine; leave the key out behind HTTPS
    #[database(sqlite, postgres)]
    pub struct Auth<User>;
}

#[public]
async fn home() -> &'static str {
    "Hello, stranger.\n"
}

#[require]
async fn dashboard(user: Principal<Auth>) -> Json<String> {
    Json(format!("Hello, {}.", user.username))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL").unwrap_or("sqlite://quickstart.db?mode=rwc".into());
    let auth = Auth::connect(url).await?;
    let app = Router::new()
        .route("/", get(home))
        .route("/dashboard", get(dashboard));
    let app = app.merge(auth.router()).with_state(auth.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    greet(&auth, &listener)?;
    crudauth::serve(listener, app).await?;
    Ok(())
}

/// Not part of the recipe: what to paste into another terminal.
fn greet(auth: &Auth, listener: &tokio::net::TcpListener) -> std::io::Result<()> {
    let url = format!("http://{}", listener.local_addr()?);
    println!("{}", auth.routes());
    println!("listening on {url}; paste into another terminal:\n");
    println!(
        "curl {url}/register --json '{{\"email\":\"ada@example.com\",\"username\":\"ada\",\"password\":\"correct horse battery\"}}'"
    );
    println!(
        "curl {url}/login -c jar.txt -d username=ada --data-urlencode 'password=correct horse battery'"
    );
    println!("curl {url}/me -b jar.txt");
    println!("curl {url}/dashboard -b jar.txt");
    println!(
        "curl {url}/logout -X POST -b jar.txt -H \"X-CSRF-Token: $(awk '/csrf_token/ {{print $7}}' jar.txt)\""
    );
    Ok(())
}
