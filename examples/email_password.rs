//! Accounts whose addresses are proven, whose passwords can be forgotten, and that can move: `cargo run --example email_password`.
//! No mail server: messages are printed, and their links lead to the pages below. Then paste the lines that it prints.
//!
//! | variable | |
//! |---|---|
//! | `SMTP_URL`, `MAIL_FROM` | send by SMTP (cargo feature `smtp`), from this address |
//! | `OUTBOX` | append messages to this file, one JSON object on a line |
//! | `DATABASE_URL` | default `sqlite://email_password.db?mode=rwc`; an empty PostgreSQL database does as well |
//! | `BIND` | default `127.0.0.1:3000` |

#![allow(missing_docs, reason = "an application has no readers of its API")]

use std::env;

use axum::Json;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use crudauth::mail::{ConsoleMailer, JsonLinesMailer, Mailer, SmtpMailer};
use crudauth::routing::{Router, get};
use crudauth::{AuthUser, PasswordHash, Principal, auth, public, require};
use tokio::net::TcpListener;

#[derive(Debug, Clone, AuthUser)]
#[auth(table = "users")]
pub struct User {
    pub id: i64,
    pub email: String,
    pub username: String,
    password_hash: PasswordHash,
    pub email_verified: bool,
    pub is_active: bool,
    token_version: i64,
}

auth! {
    #[session(danger_insecure_cookies)] // plain HTTP on this machine; leave the key out behind HTTPS
    #[database(sqlite, postgres)]
    #[email]
    pub struct Auth<User>;
}

#[require(verified)]
async fn billing(user: Principal<Auth>) -> Json<String> {
    Json(format!("{} pays.", user.email))
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(setting("BIND", "127.0.0.1:3000")).await?;
    let url = format!("http://{}", listener.local_addr()?); // in production the name that people know you by
    let auth = Auth::connect(setting(
        "DATABASE_URL",
        "sqlite://email_password.db?mode=rwc",
    ))
    .frontend_url(&url)
    .mailer(mailer()?)
    .await?;
    let app = Router::new()
        .route("/billing", get(billing))
        .route("/verify-email", get(verify_email))
        .route("/reset-password", get(reset_password))
        .route("/confirm-email-change", get(confirm_email_change))
        .route("/undo-email-change", get(undo_email_change))
        .route("/link.js", get(script))
        .mount(&auth)
        .with_state(auth.clone());
    greet(app.routes(), &url);
    crudauth::serve(listener, app).await?;
    auth.shutdown().await; // hands over what is due; the rest waits in the database for the next start
    Ok(())
}

fn mailer() -> crudauth::Result<Box<dyn Mailer>> {
    if let Ok(url) = env::var("SMTP_URL") {
        let from = setting("MAIL_FROM", "Example Shop <no-reply@example.com>");
        return Ok(Box::new(SmtpMailer::new(&url, &from)?));
    }
    if let Ok(path) = env::var("OUTBOX") {
        return Ok(Box::new(JsonLinesMailer::to(path)?));
    }
    Ok(Box::new(ConsoleMailer::new())) // whoever reads the terminal opens accounts: for development only
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[public]
async fn verify_email() -> impl IntoResponse {
    page("Verify your email", "/email/verify-confirm", "")
}

#[public]
async fn reset_password() -> impl IntoResponse {
    let field =
        r#"<input name="new_password" type="password" autocomplete="new-password" required>"#;
    page("Choose a new password", "/password/reset-confirm", field)
}

#[public]
async fn confirm_email_change() -> impl IntoResponse {
    page("Confirm your new email", "/email/change-confirm", "")
}

#[public]
async fn undo_email_change() -> impl IntoResponse {
    page("Take the change back", "/email/change-undo", "")
}

/// A page behind a link. Opening it spends nothing, because programs that scan mail open links too: its button posts the
/// token. Nothing of the request is in it, and nothing of another origin is loaded.
fn page(title: &str, action: &str, field: &str) -> impl IntoResponse {
    let html = include_str!("email_password/page.html")
        .replace("{title}", title)
        .replace("{action}", action)
        .replace("{field}", field);
    (
        [CONTENT_SECURITY, NO_REFERRER, NO_SNIFFING, NO_STORE],
        Html(html),
    )
}

#[public]
async fn script() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    ([kind, NO_SNIFFING], include_str!("email_password/link.js"))
}

type Line = (header::HeaderName, &'static str);

const CONTENT_SECURITY: Line = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// The address of the page is a secret.
const NO_REFERRER: Line = (header::REFERRER_POLICY, "no-referrer");
const NO_SNIFFING: Line = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
const NO_STORE: Line = (header::CACHE_CONTROL, "no-store");

/// Not part of the recipe: what to paste into another terminal.
fn greet(routes: &crudauth::RouteTable, url: &str) {
    println!("{routes}\nlistening on {url}; paste into another terminal:\n");
    println!(
        "curl {url}/register --json '{{\"email\":\"ada@example.com\",\"username\":\"ada\",\"password\":\"correct horse battery\"}}'"
    );
    println!(
        "curl {url}/login -c jar.txt -d username=ada --data-urlencode 'password=correct horse battery'"
    );
    println!("curl {url}/billing -b jar.txt");
    println!(
        "\nNow open the link that is printed here, press its button, and ask for /billing again.\n"
    );
}
