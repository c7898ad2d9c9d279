//! Signing in with an account at somebody else's: `cargo run --example sign_in_with`, and open what it prints. It brings a
//! provider of its own along, so it needs neither a network nor an account anywhere; Google and GitHub appear as soon as they
//! are given what they know the application by.
//!
//! | variable | |
//! |---|---|
//! | `GOOGLE_CLIENT_ID`, `GOOGLE_CLIENT_SECRET` | of an OAuth client whose redirect URI is `http://127.0.0.1:3000/oauth/google/callback` |
//! | `GITHUB_CLIENT_ID`, `GITHUB_CLIENT_SECRET` | the same for `http://127.0.0.1:3000/oauth/github/callback` |
//! | `DATABASE_URL` | default `sqlite://sign_in_with.db?mode=rwc`; an empty PostgreSQL database does as well |
//! | `BIND` | default `127.0.0.1:3000` |
//! | `OIDC_BIND` | where the provider is, default `127.0.0.1:9400`: its address is part of who somebody is |

#![allow(missing_docs, reason = "an application has no readers of its API")]

use std::env;

use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use crudauth::oauth::{Credentials, Identity};
use crudauth::routing::{Router, get};
use crudauth::{AuthUser, PasswordHash, Principal, Problem, auth, public};
use tokio::net::TcpListener;

#[path = "openid_provider/provider.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the tests use its switches, which nobody turns here"
)]
mod provider;

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
    #[session] // browsers take `Secure` cookies from this machine over plain HTTP
    #[oauth(google, github, oidc("demo"), default_redirect = "/")]
    #[database(sqlite, postgres)]
    pub struct Auth<User>;
}

#[tokio::main]
pub async fn main() -> Result<(), provider::Broken> {
    // Why a sign-in failed is told here, and nowhere that a visitor could read it.
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr);
    log.with_max_level(tracing::Level::WARN).try_init().ok();
    let demo = provider::Provider::listen(setting("OIDC_BIND", "127.0.0.1:9400")).await?;
    let listener = TcpListener::bind(setting("BIND", "127.0.0.1:3000")).await?;
    let url = format!("http://{}", listener.local_addr()?); // in production the name that people know you by
    let (google, github) = (registered("GOOGLE"), registered("GITHUB"));
    let offered = Offered {
        google: google.is_some(),
        github: github.is_some(),
    };
    let auth = Auth::connect(setting("DATABASE_URL", "sqlite://sign_in_with.db?mode=rwc"))
        .public_url(&url)
        .google(google.unwrap_or_else(unregistered))
        .github(github.unwrap_or_else(unregistered))
        .oidc(
            "demo",
            Credentials::new(demo.client_id(), demo.client_secret()).issuer(demo.issuer()),
        )
        .await?;
    let app = Router::new()
        .route("/", get(home))
        .route("/page.js", get(script))
        .mount(&auth)
        .layer(Extension(offered))
        .with_state(auth.clone());
    println!("{}\nlistening on {url}", app.routes());
    crudauth::serve(listener, app).await?;
    auth.shutdown().await;
    Ok(())
}

/// What a provider gave when the application was registered there.
fn registered(name: &str) -> Option<Credentials> {
    let given = |what| env::var(format!("{name}_{what}")).ok();
    let (id, secret) = (given("CLIENT_ID")?, given("CLIENT_SECRET")?);
    Some(Credentials::new(id, secret))
}

/// For a provider that no page leads to.
fn unregistered() -> Credentials {
    Credentials::new("not registered", "")
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Which of the declared providers the page shows.
#[derive(Debug, Clone, Copy)]
struct Offered {
    google: bool,
    github: bool,
}

impl Offered {
    fn shows(self, provider: &str) -> bool {
        match provider {
            "google" => self.google,
            "github" => self.github,
            _ => true,
        }
    }
}

/// Who is signed in and how, or where to do that. A sign-in that fails ends here too, with `?error=…`.
#[public]
async fn home(
    user: Option<Principal<Auth>>,
    State(auth): State<Auth>,
    Extension(offered): Extension<Offered>,
) -> Result<Response, Problem> {
    let oauth = auth.oauth();
    let providers = oauth.providers().filter(|name| offered.shows(name));
    let body = match user {
        None => {
            let way = |name| {
                format!("<p><a href=\"/oauth/{name}/authorize\">Sign in with {name}</a></p>\n")
            };
            providers.map(way).collect()
        }
        Some(user) => {
            let identities = oauth.identities(&user.id).await?;
            account(&user, &identities, providers)
        }
    };
    let page = include_str!("sign_in_with/page.html").replace("{body}", &body);
    let headers = [CONTENT_SECURITY, NO_SNIFFING, NO_STORE];
    Ok((headers, Html(page)).into_response())
}

fn account(
    user: &User,
    identities: &[Identity],
    providers: impl Iterator<Item = &'static str>,
) -> String {
    let (name, email) = (escaped(&user.username), escaped(&user.email));
    let listed = |identity: &Identity| {
        let email = escaped(identity.email.as_deref().unwrap_or("no address"));
        let (id, provider) = (&identity.id, &identity.provider);
        format!("<li>{provider}: {email} <button data-unlink=\"{id}\">Unlink</button></li>\n")
    };
    let listed: String = identities.iter().map(listed).collect();
    let link = |name| format!("<button data-link=\"{name}\">Link {name}</button>\n");
    let links: String = providers.map(link).collect();
    format!(
        "<p>You are <b>{name}</b>, {email}.</p>\n<ul>\n{listed}</ul>\n{links}<button id=\"sign-out\">Sign out</button>\n"
    )
}

#[public]
async fn script() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    ([kind, NO_SNIFFING], include_str!("sign_in_with/page.js"))
}

/// What a provider says is somebody else's text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

type Line = (header::HeaderName, &'static str);

const CONTENT_SECURITY: Line = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const NO_SNIFFING: Line = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
const NO_STORE: Line = (header::CACHE_CONTROL, "no-store");
