//! The router of applications: what its table says, and what it answers for everybody.

use axum::http::{HeaderValue, Method, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use crudauth::routing::{Router, delete, get, post, put};
use crudauth::{Principal, auth, public, require};

use crate::support::{self, Auth, Client, TestApp, User};

#[require]
async fn mine(user: Principal<Auth>) -> String {
    user.username.clone()
}

#[require(superuser, verified, transport(session))]
async fn strict(user: Principal<Auth>) -> String {
    user.username.clone()
}

fn is_ada(user: &Principal<Auth>) -> bool {
    user.username == "ada"
}

#[require(check(is_ada))]
async fn checked(_: Principal<Auth>) {}

#[public]
async fn home() -> &'static str {
    "home"
}

async fn maybe(_: Option<Principal<Auth>>) {}

auth! {
    #[database(sqlite, postgres)]
    pub struct Plain<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[session(danger_no_csrf, danger_insecure_cookies)]
    #[rate_limit(register = "off", change_password = "3/d")]
    pub struct Loose<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[rate_limit(password_reset_request = "2/m")]
    #[email(frontend_url = "https://app.example.com")]
    pub struct Mailing<User>;
}

#[require]
async fn loosely(_: Principal<Loose>) {}

fn rows<S: Clone + Send + Sync + 'static>(router: &Router<S>) -> Vec<String> {
    let row = |row: &crudauth::RouteInfo| {
        let csrf = if row.csrf { " csrf" } else { "" };
        format!("{} {} [{}]{csrf}", row.method, row.path, row.access)
    };
    router.routes().rows().iter().map(row).collect()
}

#[tokio::test]
async fn the_table_of_a_block_is_what_is_mounted() {
    let app = TestApp::start().await;
    let table = app.auth.routes().to_string();
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        [
            "POST    /register         public                               register 5/3600s",
            "GET     /me               signed in",
            "POST    /set-password     signed in                      csrf",
            "POST    /change-password  signed in                      csrf  change_password 5/3600s",
            "POST    /login            public",
            "POST    /logout           public                         csrf",
            "GET     /sessions         signed in, transport(session)",
            "DELETE  /sessions/{id}    signed in, transport(session)  csrf",
            "POST    /logout-all       signed in, transport(session)  csrf  logout_all 10/3600s",
            "POST    /csrf/refresh     signed in, transport(session)        csrf_refresh 30/3600s",
        ],
        "\n{table}"
    );
}

#[tokio::test]
async fn the_table_of_a_block_that_mails_has_the_routes_of_recovery() {
    let auth = Mailing::connect("sqlite::memory:")
        .secret(support::SECRET)
        .mailer(crudauth::testing::CaptureMailer::new())
        .await
        .unwrap();
    let table = auth.routes().to_string();
    let lines: Vec<&str> = table
        .lines()
        .map(str::trim_end)
        .filter(|line| line.contains("/email/") || line.contains("/password/"))
        .collect();
    assert_eq!(
        lines,
        [
            "POST    /email/verify-request    public           email_verify_request 5/3600s",
            "POST    /email/verify-confirm    public",
            "POST    /password/reset-request  public           password_reset_request 2/60s",
            "POST    /password/reset-confirm  public",
            "POST    /email/change-request    signed in  csrf  email_change_request 3/3600s",
            "POST    /email/change-confirm    public",
            "POST    /email/change-undo       public",
        ],
        "\n{table}"
    );
}

#[tokio::test]
async fn what_the_table_lists_answers_and_what_it_does_not_list_is_unknown() {
    let app = TestApp::start().await;
    let client = app.client();
    for row in app.auth.routes().rows() {
        let path = row.path.replace("{id}", "0");
        let request = Request::builder()
            .method(row.method.clone())
            .uri(path)
            .body(axum::body::Body::empty())
            .unwrap();
        let status = client.send(request).await.status;
        assert!(status != 404 && status != 405, "{row:?}: {status}");
    }
    let auth = Plain::connect("sqlite::memory:")
        .secret(support::SECRET)
        .await
        .unwrap();
    let paths: Vec<_> = auth
        .routes()
        .rows()
        .iter()
        .map(|row| row.path.clone())
        .collect();
    assert_eq!(
        paths,
        [
            "/register",
            "/me",
            "/set-password",
            "/change-password",
            "/login",
            "/logout"
        ]
    );
    let client = Client::new(Router::<()>::new().mount(&auth).into_axum());
    for path in [
        "/sessions",
        "/logout-all",
        "/csrf/refresh",
        "/email/verify-request",
        "/email/verify-confirm",
        "/password/reset-request",
        "/password/reset-confirm",
        "/email/change-request",
        "/email/change-confirm",
        "/email/change-undo",
        "/token",
        "/oauth/google/authorize",
        "/mfa",
    ] {
        assert_eq!(client.post(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_loosens_is_seen_in_the_table() {
    let auth = Loose::connect("sqlite::memory:")
        .secret(support::SECRET)
        .await
        .unwrap();
    let table = auth.routes().to_string();
    let promised = |row: &crudauth::RouteInfo| row.csrf;
    assert!(
        !auth.routes().rows().iter().any(promised),
        "no token is asked for, so none is promised:\n{table}"
    );
    assert_eq!(
        auth.routes().loosened(),
        ["danger_insecure_cookies", "danger_no_csrf"]
    );
    assert!(table.ends_with("loosened: danger_insecure_cookies\nloosened: danger_no_csrf\n"));
    let own: Router<Loose> = Router::new().route("/", post(loosely));
    assert_eq!(rows(&own), ["POST / [signed in]"]);
    assert!(table.contains("register off"), "{table}");
    assert!(table.contains("change_password 3/86400s"), "{table}");
}

#[tokio::test]
async fn the_applications_own_routes_are_listed_with_their_access_and_place() {
    let router: Router<Auth> = Router::new()
        .route("/", get(home))
        .route("/mine", get(mine).put(mine))
        .route("/strict", delete(strict))
        .route("/checked", put(checked))
        .route("/maybe", get(maybe).post(maybe));
    assert_eq!(
        rows(&router),
        [
            "GET / [public]",
            "GET /mine [signed in]",
            "PUT /mine [signed in] csrf",
            "DELETE /strict [signed in, transport(session), superuser, verified] csrf",
            "PUT /checked [signed in, check] csrf",
            "GET /maybe [optional]",
            "POST /maybe [optional] csrf",
        ]
    );
    for row in router.routes().rows() {
        let place = row.declared.as_deref().unwrap();
        assert!(place.starts_with("tests/http/routing.rs:"), "{place}");
    }
}

#[tokio::test]
async fn merged_nested_and_unchecked_routes_are_listed_where_they_answer() {
    let app = TestApp::start().await;
    let unchecked = axum::Router::new().route("/anything", axum::routing::get(async || "anything"));
    let inner: Router<Auth> = Router::new().route("/mine", get(mine)).mount(&app.auth);
    let router: Router<Auth> = Router::new()
        .route("/", get(home))
        .merge(Router::new().route("/merged", get(mine)))
        .nest("/v1", inner)
        .merge_unchecked(unchecked);
    let listed = rows(&router);
    for wanted in [
        "GET / [public]",
        "GET /merged [signed in]",
        "GET /v1/mine [signed in]",
        "POST /v1/login [public]",
        "DELETE /v1/sessions/{id} [signed in, transport(session)] csrf",
        "ANY ? [unchecked]",
    ] {
        assert!(
            listed.iter().any(|row| row == wanted),
            "{wanted}: {listed:#?}"
        );
    }
    let place = router
        .routes()
        .rows()
        .iter()
        .find(|row| row.access == "unchecked")
        .unwrap()
        .declared
        .clone();
    assert!(place.unwrap().starts_with("tests/http/routing.rs:"));
    assert!(router.routes().to_string().contains("unchecked"));

    app.register("ada").await;
    let mut client = Client::new(router.with_state::<()>(app.auth.clone()).into_axum());
    client.cookies = app.signed_in("ada").await.cookies;
    assert_eq!(client.get("/v1/mine").await.text, "ada");
    assert_eq!(client.get("/v1/me").await.status, 200);
    assert_eq!(client.get("/anything").await.text, "anything");
    assert_eq!(client.get("/me").await.status, 404);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_to_everybody_alike() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let mut foreign = app.signed_in("ada").await;
    foreign.csrf = None;
    for client in [app.client(), app.signed_in("ada").await, foreign] {
        for path in ["/nowhere", "/me/", "//me", "/ME", "/sessions/a/b", "/%6de2"] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let answer = client
                    .send(
                        client
                            .request(method, path)
                            .body(axum::body::Body::empty())
                            .unwrap(),
                    )
                    .await;
                assert_eq!(
                    (answer.status.as_u16(), answer.text.as_str()),
                    (404, r#"{"detail":"Not Found","code":"not_found"}"#),
                    "{path}"
                );
                assert_eq!(answer.header("content-type"), Some("application/json"));
            }
        }
        for (method, path, allow) in [
            (Method::GET, "/login", "POST"),
            (Method::PUT, "/login", "POST"),
            (Method::POST, "/me", "GET,HEAD"),
            (Method::GET, "/sessions/0", "DELETE"),
            (Method::OPTIONS, "/me", "GET,HEAD"),
            (Method::DELETE, "/dashboard", "GET,HEAD,POST"),
        ] {
            let answer = client
                .send(
                    client
                        .request(method.clone(), path)
                        .body(axum::body::Body::empty())
                        .unwrap(),
                )
                .await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_str()),
                (
                    405,
                    r#"{"detail":"Method Not Allowed","code":"method_not_allowed"}"#
                ),
                "{method} {path}"
            );
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_plain_router_of_a_block_sets_no_fallback() {
    let app = TestApp::start().await;
    let own = axum::Router::new().fallback(async || "mine");
    let client = Client::new(own.merge(app.auth.router()));
    assert_eq!(client.get("/nowhere").await.text, "mine");
    assert_eq!(client.get("/me").await.status, 401);
}

#[tokio::test]
async fn the_routes_of_one_transport_are_mounted_alone() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let own = axum::Router::new().nest("/session", app.auth.session_router());
    let mut client = Client::new(own);
    client.cookies = app.signed_in("ada").await.cookies;
    let answer = client.get("/session/sessions").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("x-request-id").is_some());
    for path in [
        "/session/register",
        "/session/me",
        "/session/change-password",
    ] {
        assert_eq!(client.post(path).await.status, 404, "{path}");
    }
    assert_eq!(client.post("/session/login").await.status, 422);
}

#[tokio::test]
async fn a_layer_wraps_every_route_so_far() {
    let app = TestApp::start().await;
    let mark = async |request: axum::extract::Request, next: Next| -> Response {
        let mut response = next.run(request).await;
        response
            .headers_mut()
            .insert("x-mark", HeaderValue::from_static("yes"));
        response
    };
    let router: axum::Router = Router::new()
        .route("/before", get(home))
        .mount(&app.auth)
        .layer(from_fn(mark))
        .route("/after", get(home))
        .with_state::<()>(app.auth.clone())
        .into();
    let client = Client::new(router);
    assert_eq!(client.get("/before").await.header("x-mark"), Some("yes"));
    assert_eq!(client.get("/me").await.header("x-mark"), Some("yes"));
    assert_eq!(client.get("/after").await.header("x-mark"), None);
    assert_eq!(client.get("/nowhere").await.status, 404);
}
