//! Applications that hand codes over to apps, and an app that redeems them. A test file that uses it declares `elsewhere`, `http`,
//! `oidc` and `support` besides.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "shared by test binaries that each use a part"
)]

use crudauth::testing::{Clock, TestBuilder};
use crudauth::{Authority, auth};
use serde_json::json;

use crate::elsewhere::{App, PUBLIC, bring, credentials, depart, provider, start};
use crate::oidc::{query, sign_in};
use crate::support::{Answer, Client, SECRET, User, encode};

/// Where the page of another site takes its codes.
pub const PAGE: &str = "https://spa.example.com/callback";
/// Where the app on a telephone does.
pub const PHONE: &str = "com.example.app:/callback?from=auth";
/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"), scopes(default("read"), grantable("read", "write", "more")))]
    #[oauth(
        oidc("demo"), oidc("other"), oidc("loose", trusted = false),
        default_redirect = "/landing",
        exchange(
            "https://spa.example.com/callback", "com.example.app:/callback?from=auth",
            "http://127.0.0.1/app", "http://[::1]",
        ),
    )]
    #[rate_limit(oauth_authorize = "1000/m")]
    pub struct Native<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer]
    #[oauth(
        oidc("demo"), oidc("other"), oidc("loose", trusted = false),
        response = "json",
        exchange("https://spa.example.com/callback"),
    )]
    #[rate_limit(oauth_authorize = "1000/m")]
    pub struct Single<User>;
}

/// Refresh tokens travel in the body.
pub async fn native(connections: u32) -> App<Native> {
    start!(Native, connections)
}

/// They travel in a cookie, and the routes speak JSON.
pub async fn single() -> App<Single> {
    start!(Single, 5)
}

/// The query by which an app sets out.
pub fn wish(target: &str) -> String {
    format!(
        "?redirect_to={}&code_challenge={CHALLENGE}&code_challenge_method=S256",
        encode(target)
    )
}

/// What the browser is sent away with, after somebody signed in at the provider for the app behind `target`.
pub async fn arrives<A: Authority>(app: &App<A>, target: &str, sub: &str) -> Answer {
    let mut browser = app.client();
    let url = depart(&mut browser, "demo", &wish(target)).await;
    bring(&mut browser, &sign_in(&url, sub).await).await
}

/// The code that the app is handed.
pub fn code(answer: &Answer, target: &str) -> String {
    assert_eq!(answer.status, 307, "{}", answer.text);
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(target), "{location}");
    let code = query(location)["code"].clone();
    assert_eq!(code.len(), 43);
    code
}

/// Somebody signs in for the page of another site: the code.
pub async fn code_of<A: Authority>(app: &App<A>, sub: &str) -> String {
    code(&arrives(app, PAGE, sub).await, PAGE)
}

/// The app redeems a code.
pub async fn redeem(client: &Client, code: &str, verifier: &str) -> Answer {
    let body = json!({ "code": code, "code_verifier": verifier });
    client.post_json("/oauth/token", &body).await
}
