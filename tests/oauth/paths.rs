//! Blocks that put the routes elsewhere: there they are, and nowhere else, and providers send people there.

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crudauth::oauth::{Credentials, HasOAuth};
use crudauth::routing::Router;
use crudauth::testing::{Clock, TestBuilder};
use crudauth::{Authority, auth};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;

use crate::elsewhere::{App, PUBLIC, credentials, me, provider, start};
use crate::handover::{PAGE, VERIFIER, code, wish};
use crate::linked::read_csrf;
use crate::oidc::Endpoint::Token;
use crate::oidc::{query, sign_in, sign_in_by_post};
use crate::support::{self, Answer, Client, FORM, SECRET, User};

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"))]
    #[oauth(
        oidc("demo"), oidc("other"), oidc("loose", trusted = false),
        default_redirect = "/landing",
        exchange("https://spa.example.com/callback"),
        paths(prefix = "/auth/social", authorize = "/{provider}/login", callback = "/{provider}/done"),
    )]
    struct Moved<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"))]
    #[oauth(
        oidc("demo"), oidc("other"), oidc("loose", trusted = false),
        response = "json",
        exchange("https://spa.example.com/callback"),
        paths(authorize = "/{provider}", callback = "/back/from/{provider}"),
    )]
    struct Short<User>;
}

const MOVED: [&str; 6] = [
    "/auth/social/{provider}/login",
    "/auth/social/{provider}/done",
    "/auth/social/{provider}/link",
    "/auth/social/identities",
    "/auth/social/identities/{id}",
    "/auth/social/token",
];

const SHORT: [&str; 6] = [
    "/oauth/{provider}",
    "/oauth/back/from/{provider}",
    "/oauth/{provider}/link",
    "/oauth/identities",
    "/oauth/identities/{id}",
    "/oauth/token",
];

const USUAL: [&str; 6] = [
    "/oauth/{provider}/authorize",
    "/oauth/{provider}/callback",
    "/oauth/{provider}/link",
    "/oauth/identities",
    "/oauth/identities/{id}",
    "/oauth/token",
];

/// A browser that knows where the routes are, below where the router is mounted.
struct Browser<'a> {
    client: Client,
    base: &'a str,
    paths: [&'a str; 6],
}

impl Browser<'_> {
    /// Where a provider is to send it back.
    fn home(&self, provider: &str) -> String {
        let [_, callback, ..] = self.paths;
        format!("{PUBLIC}{}", callback.replace("{provider}", provider))
    }

    fn path(&self, path: &str, name: &str) -> String {
        let path = path.replace("{provider}", name).replace("{id}", name);
        format!("{}{path}", self.base)
    }

    async fn departs(&mut self, query: &str) -> String {
        let [authorize, ..] = self.paths;
        let path = self.path(authorize, "demo");
        let answer = self.client.get(&format!("{path}{query}")).await;
        self.client.keep(&answer);
        let told = answer.json()["url"].as_str().map(str::to_owned);
        let url = told.or(answer.header("location").map(str::to_owned));
        let url = url.unwrap_or_else(|| panic!("{path}: {} {}", answer.status, answer.text));
        assert!(answer.set_cookies()[0].contains("; Path=/; "), "{path}");
        self.is_expected(&url, "demo");
        url
    }

    fn is_expected(&self, url: &str, provider: &str) {
        assert_eq!(query(url)["redirect_uri"], self.home(provider));
    }

    /// Brings `sub` home from the page at `url`.
    async fn comes(&mut self, url: &str, sub: &str) -> Answer {
        let callback = sign_in(url, sub).await;
        let path = callback.strip_prefix(PUBLIC).unwrap();
        let answer = self.client.get(&format!("{}{path}", self.base)).await;
        self.client.keep(&answer);
        answer
    }

    async fn links(&mut self, name: &str, sub: &str) -> Answer {
        let [_, _, link, ..] = self.paths;
        let path = self.path(link, name);
        let answer = self.client.post_json(&path, &json!({})).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        self.client.keep(&answer);
        let url = answer.json()["url"].as_str().unwrap().to_owned();
        self.is_expected(&url, name);
        self.comes(&url, sub).await
    }

    async fn identities(&self) -> Vec<String> {
        let [_, _, _, identities, ..] = self.paths;
        let listed = self.client.get(&self.path(identities, "")).await.json();
        let ids = listed.as_array().unwrap().iter();
        ids.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Signs in, links, lists and unlinks, and redeems a code.
async fn whole<A: Authority>(app: &App<A>, router: axum::Router, base: &str, paths: [&str; 6]) {
    let fresh = || Browser {
        client: Client::new(router.clone()),
        base,
        paths,
    };
    let mut ada = fresh();
    let url = ada.departs("?redirect_to=/dash").await;
    let answer = ada.comes(&url, "ada").await;
    let page = answer.header("location").map(str::to_owned);
    let page = page.unwrap_or_else(|| answer.json()["redirect_to"].as_str().unwrap().to_owned());
    assert_eq!(page, "/dash");
    let exchanged = app.demo.seen(Token).pop().unwrap();
    let body = String::from_utf8(exchanged.body.to_vec()).unwrap();
    let form = query(&format!("http://x/?{body}"));
    assert_eq!(form["redirect_uri"], ada.home("demo"));
    let mine = ada.client.get(&format!("{base}/me")).await;
    assert_eq!(mine.json()["username"], "ada");

    read_csrf(&mut ada.client);
    ada.links("other", "grace").await;
    let both = ada.identities().await;
    assert_eq!(both.len(), 2);
    let [_, _, _, _, identity, token] = paths;
    let unlinked = ada.client.delete(&ada.path(identity, &both[0])).await;
    assert_eq!(unlinked.status, 200, "{}", unlinked.text);
    assert_eq!(ada.identities().await, both[1..]);

    let mut spa = fresh();
    let url = spa.departs(&wish(PAGE)).await;
    let code = code(&spa.comes(&url, "grace").await, PAGE);
    let body = json!({ "code": code, "code_verifier": VERIFIER });
    let answer = spa.client.post_json(&spa.path(token, ""), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json()["access_token"].is_string());
}

#[tokio::test]
async fn every_route_is_where_the_block_puts_it() {
    let moved = start!(Moved, 5);
    whole(&moved, moved.router.clone(), "", MOVED).await;
    let short = start!(Short, 5);
    whole(&short, short.router.clone(), "", SHORT).await;
}

#[tokio::test]
async fn a_nested_router_has_its_paths_below_its_own() {
    let app = start!(Moved, 5);
    let router = Router::new().nest("/auth", Router::new().mount(&app.auth));
    let listed: Vec<_> = router.routes().rows().to_vec();
    for path in MOVED {
        let path = format!("/auth{path}");
        assert!(listed.iter().any(|row| row.path == path), "{path}");
    }
    let router = router.with_state(app.auth.clone()).into_axum();
    whole(&app, router, "/auth", MOVED).await;
}

#[tokio::test]
async fn nothing_is_left_where_the_routes_would_be() {
    let (moved, short) = (start!(Moved, 5), start!(Short, 5));
    let gone = USUAL.iter().chain(&["/oauth/{provider}", "/oauth"]);
    for usual in gone.filter(|usual| !SHORT.contains(usual)) {
        vanished(&short.client(), usual).await;
    }
    for usual in USUAL {
        vanished(&moved.client(), usual).await;
    }
    for path in MOVED {
        vanished(&short.client(), path).await;
    }
}

async fn vanished(client: &Client, path: &str) {
    let path = path.replace("{provider}", "demo").replace("{id}", "0");
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let request = client.request(method, &path);
        let answer = client.send(request.body("".into()).unwrap()).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_table_lists_what_is_mounted() {
    let (moved, short) = (start!(Moved, 5), start!(Short, 5));
    listed(&moved, MOVED).await;
    listed(&short, SHORT).await;
    // Alone too, for an application that mounts them apart.
    let alone = Client::new(moved.auth.oauth_router());
    let answer = alone.get("/auth/social/nobody/login").await;
    assert_eq!(answer.code(), "unknown_provider");
    assert_eq!(alone.get("/oauth/nobody/authorize").await.status, 404);
}

async fn listed<A: HasOAuth>(app: &App<A>, wanted: [&str; 6]) {
    let router: Router<A> = Router::new().mount(&app.auth);
    let rows = router.routes().rows().to_vec();
    let mut paths: Vec<_> = rows.iter().map(|row| row.path.as_str()).collect();
    paths.retain(|path| path.contains("/oauth") || path.contains("/auth/"));
    paths.dedup();
    let [authorize, callback, link, identities, identity, token] = wanted;
    let wanted = [authorize, callback, token, link, identities, identity];
    assert_eq!(paths, wanted);
    for row in rows {
        let path = row.path.replace("{provider}", "demo").replace("{id}", "0");
        let client = app.client();
        let request = client.request(row.method.clone(), &path);
        let answer = client.send(request.body("".into()).unwrap()).await;
        assert!(![404, 405].contains(&answer.status.as_u16()), "{row:?}");
    }
}

auth! {
    #[database(sqlite, postgres)]
    #[oauth(apple, paths(prefix = "/sso", authorize = "/{provider}", callback = "/{provider}/back"))]
    struct Fruit<User>;
}

#[tokio::test]
async fn a_form_is_sent_on_to_the_callback_of_the_block() {
    let (_file, pool) = support::database(5).await;
    let clock = Clock::manual();
    let there = provider(&clock).await;
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let key = STANDARD.encode(key.unwrap());
    let key = format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n");
    let credentials = Credentials::apple(there.client_id(), "team", "key", key);
    let auth = Fruit::builder(pool)
        .secret(SECRET)
        .clock(clock)
        .manual_workers()
        .public_url(PUBLIC)
        .apple(credentials.issuer(there.issuer()))
        .await
        .unwrap();
    let mut client = Client::new(auth.router());
    let answer = client.get("/sso/apple").await;
    client.keep(&answer);
    let home = format!("{PUBLIC}/sso/apple/back");
    let posted = sign_in_by_post(answer.header("location").unwrap(), "ada").await;
    assert_eq!(posted.url, home);

    let answer = client
        .post_body("/sso/apple/back", FORM, posted.body.clone())
        .await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let again = answer.header("location").unwrap();
    let (path, _) = again.split_once('?').unwrap();
    assert_eq!(path, home);
    let form = query(&format!("{home}?{}", posted.body));
    assert_eq!(query(again)["code"], form["code"]);
    assert_eq!(query(again)["state"], form["state"]);

    // The journey goes on from there: the code is brought to the provider, which takes no signed secret.
    client.get(again.strip_prefix(PUBLIC).unwrap()).await;
    let asked = there.seen(Token).pop().unwrap();
    let body = String::from_utf8(asked.body.to_vec()).unwrap();
    let form = query(&format!("http://x/?{body}"));
    assert_eq!(form["redirect_uri"], home);
    assert_eq!(me(&client).await, "");
}
