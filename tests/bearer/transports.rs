//! Several transports over one set of routes: the block's order decides, the first credential that is there wins, and only a
//! session is asked for a CSRF token. Among them one of the application's own, over a table of hashed keys.

use axum::body::Body;
use axum::http::Method;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crudauth::routing::{Router, get};
use crudauth::testing::{Clock, TestBuilder};
use crudauth::transport::{Caller, OwnTransport, Parts};
use crudauth::{Authority, Principal, Problem, auth, require};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{self, Answer, Client, Db, PASSWORD, SECRET, TempDb, User};
use crate::tokens;
use crate::tokens::Pair;

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh(deliver = "body"))]
    #[session(management)]
    pub struct BearerFirst<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[bearer(refresh(deliver = "body"))]
    pub struct SessionFirst<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(management)]
    #[transport(ApiKeys)]
    #[bearer(
        refresh(deliver = "body"),
        scopes(grantable("read", "reports:read")),
    )]
    pub struct WithKeys<User>;
}

/// `X-Api-Key`, looked up by its digest in the application's table `api_keys`.
#[derive(Debug)]
pub struct ApiKeys;

impl<A: Authority> OwnTransport<A> for ApiKeys
where
    A: Accounts,
{
    const NAME: &'static str = "api_key";

    async fn authenticate(auth: &A, parts: &Parts) -> Result<Option<Caller<A>>, Problem> {
        let Some(key) = parts.headers.get("x-api-key") else {
            return Ok(None);
        };
        let db = parts.extensions.get::<Db>().unwrap();
        let sql = "SELECT user_id, scopes, CAST(CASE WHEN live THEN 1 ELSE 0 END AS BIGINT) FROM api_keys WHERE digest = $1";
        let found: Vec<(i64, String, i64)> = db
            .query(sql)
            .bind(digest(key.as_bytes()))
            .try_rows()
            .await
            .map_err(|_| Problem::Unavailable)?;
        let Some((owner, scopes, live)) = found.into_iter().next() else {
            return Err(Problem::InvalidToken);
        };
        if live == 0 {
            return Ok(None);
        }
        let owner = auth.account(owner).await;
        Ok(owner.map(|user| Caller::new(user).scopes(scopes.split(' '))))
    }
}

/// What the transport asks of its authority: the account behind a key's row.
pub trait Accounts: Authority {
    /// Looks it up.
    fn account(&self, id: i64) -> impl Future<Output = Option<Self::User>> + Send;
}

impl Accounts for WithKeys {
    async fn account(&self, id: i64) -> Option<User> {
        self.users().find(&id).await.unwrap()
    }
}

/// As the table keeps it.
fn digest(key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(key))
}

macro_rules! handlers {
    ($auth:ty, $dashboard:ident, $maybe:ident, $machines:ident) => {
        #[require]
        async fn $dashboard(user: Principal<$auth>) -> Json<Value> {
            Json(json!({ "name": user.username, "via": user.transport(), "scopes": user.scopes() }))
        }
        async fn $maybe(user: Option<Principal<$auth>>) -> Json<Value> {
            Json(json!({ "name": user.map(|user| user.username.clone()) }))
        }
        #[require(transport(bearer))]
        async fn $machines(user: Principal<$auth>) -> Json<Value> {
            Json(json!({ "name": user.username, "via": user.transport() }))
        }
    };
}

handlers!(BearerFirst, bearer_dashboard, bearer_maybe, bearer_machines);
handlers!(
    SessionFirst,
    session_dashboard,
    session_maybe,
    session_machines
);
handlers!(WithKeys, key_dashboard, key_maybe, key_machines);

#[require(transport(ApiKeys))]
async fn robots(user: Principal<WithKeys>) -> Json<Value> {
    Json(json!({ "name": user.username, "via": user.transport() }))
}

#[require(scope("reports:read"))]
async fn reports(user: Principal<WithKeys>) -> Json<Value> {
    Json(json!({ "name": user.username, "via": user.transport() }))
}

/// Two accounts over one router: a browser of `ada`, a program of `eve`.
struct Two {
    browser: Client,
    access: String,
    db: Db,
    stranger: Client,
    table: String,
    _file: TempDb,
}

macro_rules! two {
    ($auth:ty, $dashboard:ident, $maybe:ident, $machines:ident $(, $path:literal => $handler:ident)*) => {{
        let (file, pool) = support::database(5).await;
        let auth = <$auth>::builder(pool)
            .secret(SECRET)
            .clock(Clock::manual())
            .cheap_hashing()
            .manual_workers()
            .await
            .unwrap();
        let db = support::pool(&file.url(), 2).await;
        let router = Router::new()
            .route("/dashboard", get($dashboard).post($dashboard))
            .route("/maybe", get($maybe).post($maybe))
            .route("/machines", get($machines).post($machines))
            $(.route($path, get($handler).post($handler)))*
            .mount(&auth);
        let table = router.routes().to_string();
        let router: axum::Router = router.with_state(auth.clone()).into_axum();
        let stranger = Client::new(router.layer(Extension(db.clone())));
        for name in ["ada", "eve"] {
            let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD });
            let client = stranger.clone().from(&support::fresh_address());
            assert_eq!(client.post_json("/register", &body).await.status, 200);
        }
        let mut browser = stranger.clone();
        assert_eq!(browser.login("ada", PASSWORD).await.status, 200);
        let access = Pair::of(&tokens::token(&stranger, "eve", PASSWORD, "").await).access;
        Two { browser, access, db, stranger, table, _file: file }
    }};
}

/// The same application with its transports in either order.
async fn both_orders() -> (Two, Two) {
    let bearer_first = two!(BearerFirst, bearer_dashboard, bearer_maybe, bearer_machines);
    let session_first = two!(
        SessionFirst,
        session_dashboard,
        session_maybe,
        session_machines
    );
    (bearer_first, session_first)
}

async fn send(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request.body(Body::empty()).unwrap()).await
}

fn who(answer: &Answer) -> String {
    let body = answer.json();
    match body["name"].as_str() {
        Some(name) => format!("{name} by {}", body["via"].as_str().unwrap_or("?")),
        None => format!("{} {}", answer.status.as_u16(), answer.code()),
    }
}

#[tokio::test]
async fn the_order_of_the_block_decides_between_two_credentials() {
    let (bearer_first, session_first) = both_orders().await;
    for (two, both) in [
        (&bearer_first, "eve by bearer"),
        (&session_first, "ada by session"),
    ] {
        let bearer = format!("Bearer {}", two.access);
        let token = [("authorization", bearer.as_str())];
        let both_sent = send(&two.browser, Method::GET, "/dashboard", &token).await;
        assert_eq!(who(&both_sent), both);
        let maybe = send(&two.browser, Method::GET, "/maybe", &token).await;
        assert_eq!(who(&maybe).split(' ').next(), both.split(' ').next());
        let me = send(&two.browser, Method::GET, "/me", &token).await;
        assert_eq!(me.json()["username"], both[..3]);
        // One alone is found wherever it stands.
        let session = two.browser.get("/dashboard").await;
        assert_eq!(who(&session), "ada by session");
        let program = send(&two.stranger, Method::GET, "/dashboard", &token).await;
        assert_eq!(who(&program), "eve by bearer");
        // A guard that names a transport asks that one alone, also for whoever has both.
        let machines = send(&two.browser, Method::GET, "/machines", &token).await;
        assert_eq!(who(&machines), "eve by bearer");
        let machines = two.browser.get("/machines").await;
        assert_eq!(who(&machines), "401 not_authenticated");
    }
}

/// A page can send a cookie and no header: only where the cookie decides, the token of the page is asked for.
#[tokio::test]
async fn only_a_request_that_the_session_won_needs_the_csrf_token() {
    let (bearer_first, session_first) = both_orders().await;
    for (two, both) in [
        (&bearer_first, "eve by bearer"),
        (&session_first, "403 csrf_missing"),
    ] {
        let bearer = format!("Bearer {}", two.access);
        let token = [("authorization", bearer.as_str())];
        let mut bare = two.browser.clone();
        bare.csrf = None;
        let answer = send(&bare, Method::POST, "/dashboard", &token).await;
        assert_eq!(who(&answer), both);
        let answer = send(&bare, Method::POST, "/dashboard", &[]).await;
        assert_eq!(who(&answer), "403 csrf_missing");
        let answer = send(&two.stranger, Method::POST, "/dashboard", &token).await;
        assert_eq!(who(&answer), "eve by bearer");
        // The guard names it, so the cookie is no part of the request.
        let answer = send(&bare, Method::POST, "/machines", &token).await;
        assert_eq!(who(&answer), "eve by bearer");
    }
}

/// What a transport refuses is refused by those before it only, and what is over is left to those behind it.
#[tokio::test]
async fn a_bad_token_ends_the_search_and_an_expired_one_does_not() {
    let (bearer_first, session_first) = both_orders().await;
    for (two, bad) in [
        (&bearer_first, "401 invalid_token"),
        (&session_first, "ada by session"),
    ] {
        let forged = [("authorization", "Bearer x.y.z")];
        let answer = send(&two.browser, Method::GET, "/dashboard", &forged).await;
        assert_eq!(who(&answer), bad);
        let answer = send(&two.stranger, Method::GET, "/maybe", &forged).await;
        assert_eq!(who(&answer), "401 invalid_token");
        two.db.run("DELETE FROM auth_refresh_tokens").await;
        let bearer = format!("Bearer {}", two.access);
        let over = [("authorization", bearer.as_str())];
        let answer = send(&two.browser, Method::GET, "/dashboard", &over).await;
        assert_eq!(who(&answer), "ada by session");
        let answer = send(&two.stranger, Method::GET, "/maybe", &over).await;
        assert_eq!(answer.text, r#"{"name":null}"#);
        // Another scheme is for somebody else.
        let basic = [("authorization", "Basic YWRhOng=")];
        let answer = send(&two.browser, Method::GET, "/dashboard", &basic).await;
        assert_eq!(who(&answer), "ada by session");
    }
}

/// The application's table, and keys in it.
async fn with_keys() -> Two {
    let two = two!(
        WithKeys,
        key_dashboard,
        key_maybe,
        key_machines,
        "/robots" => robots,
        "/reports" => reports
    );
    two.db
        .run("CREATE TABLE api_keys (digest TEXT PRIMARY KEY, user_id BIGINT NOT NULL, scopes TEXT NOT NULL, live BOOLEAN NOT NULL)")
        .await;
    for (key, owner, scopes, live) in [
        ("key-of-eve", "eve", "", "TRUE"),
        (
            "key-for-reports",
            "eve",
            "reports:read admin superuser",
            "TRUE",
        ),
        ("key-that-is-over", "eve", "reports:read", "FALSE"),
    ] {
        let digest = digest(key.as_bytes());
        two.db
            .run(format!(
                "INSERT INTO api_keys SELECT '{digest}', id, '{scopes}', {live} FROM users WHERE username = '{owner}'"
            ))
            .await;
    }
    two
}

#[tokio::test]
async fn a_transport_of_the_applications_own_is_asked_in_its_place() {
    let two = with_keys().await;
    let bearer = format!("Bearer {}", two.access);
    let key = ("x-api-key", "key-of-eve");
    let bad = ("x-api-key", "key-of-nobody");
    let over = ("x-api-key", "key-that-is-over");
    let token = ("authorization", bearer.as_str());
    let forged = ("authorization", "Bearer x");
    for (client, headers, found) in [
        (&two.stranger, &[][..], "401 not_authenticated"),
        (&two.stranger, &[key], "eve by api_key"),
        (&two.stranger, &[key, token], "eve by api_key"),
        (&two.stranger, &[key, forged], "eve by api_key"),
        (&two.stranger, &[token], "eve by bearer"),
        (&two.stranger, &[bad], "401 invalid_token"),
        (&two.stranger, &[bad, token], "401 invalid_token"),
        (&two.stranger, &[over], "401 not_authenticated"),
        (&two.stranger, &[over, token], "eve by bearer"),
        (&two.browser, &[key], "ada by session"),
        (&two.browser, &[bad], "ada by session"),
    ] {
        let answer = send(client, Method::GET, "/dashboard", headers).await;
        assert_eq!(who(&answer), found, "{headers:?}");
    }
    // Where signing in is optional, a bad credential is still a bad one, and one that is over is none.
    let answer = send(&two.stranger, Method::GET, "/maybe", &[bad]).await;
    assert_eq!(who(&answer), "401 invalid_token");
    for headers in [&[over][..], &[]] {
        let answer = send(&two.stranger, Method::GET, "/maybe", headers).await;
        assert_eq!(answer.text, r#"{"name":null}"#);
    }
    // No cookie, no page: no CSRF token.
    let answer = send(&two.stranger, Method::POST, "/dashboard", &[key]).await;
    assert_eq!(who(&answer), "eve by api_key");
    // It is asked by the routes of the library too, and opens nothing of a session.
    let me = send(&two.stranger, Method::GET, "/me", &[key]).await;
    assert_eq!(me.json()["via"], "api_key");
    let sessions = send(&two.stranger, Method::GET, "/sessions", &[key]).await;
    assert_eq!(sessions.code(), "not_authenticated");
}

#[tokio::test]
async fn a_guard_that_names_the_own_transport_lets_no_other_in() {
    let two = with_keys().await;
    let bearer = format!("Bearer {}", two.access);
    let key = ("x-api-key", "key-of-eve");
    let bad = ("x-api-key", "key-of-nobody");
    let token = ("authorization", bearer.as_str());
    for (client, headers, found) in [
        (&two.stranger, &[key][..], "eve by api_key"),
        (&two.browser, &[key], "eve by api_key"),
        (&two.browser, &[bad], "401 invalid_token"),
        (&two.browser, &[], "401 not_authenticated"),
        (&two.stranger, &[token], "401 not_authenticated"),
    ] {
        for method in [Method::GET, Method::POST] {
            let mut client = client.clone();
            client.csrf = None;
            let answer = send(&client, method, "/robots", headers).await;
            assert_eq!(who(&answer), found, "{headers:?}");
        }
    }
    let line = |path: &str| {
        let found = two
            .table
            .lines()
            .find(|line| line.starts_with("GET") && line.contains(path));
        let words: Vec<&str> = found.unwrap().split_whitespace().collect();
        // The last says where it is declared.
        words[..words.len() - 1].join(" ")
    };
    assert_eq!(line("/robots"), "GET /robots signed in, transport(api_key)");
    assert_eq!(
        line("/reports"),
        "GET /reports signed in, scope(reports:read)"
    );
    assert_eq!(
        line("/machines"),
        "GET /machines signed in, transport(bearer)"
    );
}

#[tokio::test]
async fn a_key_has_the_declared_scopes_of_its_row_and_its_owners_life() {
    let two = with_keys().await;
    let plain = [("x-api-key", "key-of-eve")];
    let reports = [("x-api-key", "key-for-reports")];
    let answer = send(&two.stranger, Method::GET, "/reports", &reports).await;
    assert_eq!(who(&answer), "eve by api_key");
    let answer = send(&two.stranger, Method::GET, "/dashboard", &reports).await;
    assert_eq!(answer.json()["scopes"], json!(["reports:read"]));
    let answer = send(&two.stranger, Method::GET, "/reports", &plain).await;
    assert_eq!(who(&answer), "403 insufficient_scope");

    two.db
        .run("UPDATE users SET is_active = FALSE WHERE username = 'eve'")
        .await;
    for (path, found) in [
        ("/dashboard", "401 not_authenticated"),
        ("/robots", "401 not_authenticated"),
        ("/reports", "401 not_authenticated"),
        ("/maybe", "200 "),
    ] {
        let answer = send(&two.stranger, Method::GET, path, &reports).await;
        assert_eq!(who(&answer), found, "{path}");
    }
    // A table that is away is no anonymous visitor.
    two.db.run("ALTER TABLE api_keys RENAME TO gone").await;
    let answer = send(&two.stranger, Method::GET, "/maybe", &reports).await;
    assert_eq!(answer.status, 503);
}
