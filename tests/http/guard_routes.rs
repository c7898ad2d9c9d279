//! Whether a guard can be walked around: by spelling the path, by the method, by the connection.

use axum::body::Body;
use axum::http::{Method, Request};
use crudauth::routing::{Router, get};
use crudauth::{Principal, require};

use crate::support::{Auth, Client, TestApp};
use crate::wire::Served;

#[require]
async fn secret(user: Principal<Auth>) -> String {
    format!("secret of {}", user.username)
}

/// Guarded routes at the top, below a prefix, with a parameter, and as the fallback.
fn routes(auth: &Auth) -> axum::Router {
    let inner = || {
        Router::new()
            .route("/secret", get(secret).post(secret))
            .route("/item/{id}", get(secret))
    };
    let plain: axum::Router<Auth> = axum::Router::new().route("/plain", axum::routing::any(secret));
    let router: axum::Router<Auth> = Router::new()
        .merge(inner())
        .nest("/v1", inner())
        .merge_unchecked(plain)
        .mount(auth)
        .into_axum();
    router.fallback(secret).with_state(auth.clone())
}

const GUARDED: &[&str] = &[
    "/secret",
    "/v1/secret",
    "/item/1",
    "/v1/item/1",
    "/plain",
    "/me",
    "/sessions",
    "/anywhere",
];

/// Other spellings of one path.
fn spellings(path: &str) -> Vec<String> {
    let tail = path.trim_start_matches('/');
    let upper = path.to_uppercase();
    let encoded: Vec<String> = tail.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let encoded = encoded.concat();
    let mut out: Vec<String> = [
        "",
        "/",
        "//",
        "/.",
        "/..",
        "/%2e",
        "/%2e%2e",
        "%2f",
        "%00",
        "%20",
        ";x=1",
        ".json",
        "?",
        "?x=/me",
        "?_method=GET",
        "/index.html",
        "%ff",
    ]
    .iter()
    .map(|end| format!("{path}{end}"))
    .collect();
    out.extend([
        format!("/{path}"),
        format!("//{path}"),
        format!("/./{tail}"),
        format!("/../{tail}"),
        format!("/%2e/{tail}"),
        format!("/%2e%2e/{tail}"),
        format!("/login/../{tail}"),
        format!("/%2f{tail}"),
        format!("/\\{tail}").replace('\\', "%5c"),
        upper,
        format!("/{encoded}"),
        path.replace('/', "/%2e/"),
    ]);
    out
}

#[tokio::test]
async fn sec_125_no_spelling_or_method_walks_around_a_guard() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let router = routes(&app.auth);
    let stranger = Client::new(router.clone());
    let mut methods = vec![
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    methods.push(Method::from_bytes(b"get").unwrap());
    methods.push(Method::from_bytes(b"FOO").unwrap());
    let mut tried = 0;
    for path in GUARDED {
        for spelling in spellings(path) {
            for method in &methods {
                let request = Request::builder()
                    .method(method.clone())
                    .uri(&spelling)
                    .body(Body::empty())
                    .unwrap();
                let answer = stranger.send(request).await;
                assert!(
                    answer.status.is_client_error(),
                    "{method} {spelling}: {}",
                    answer.status
                );
                assert!(!answer.text.contains("secret of"), "{method} {spelling}");
                tried += 1;
            }
        }
    }
    assert!(tried > 2000);
    let mut owner = Client::new(router);
    owner.cookies = app.signed_in("ada").await.cookies;
    for path in ["/secret", "/v1/secret", "/item/1", "/plain", "/anywhere"] {
        assert_eq!(owner.get(path).await.text, "secret of ada", "{path}");
    }
}

#[tokio::test]
async fn sec_125_a_path_on_the_wire_is_no_way_around_either() {
    let app = TestApp::start().await;
    let served = Served::start(routes(&app.auth)).await;
    for target in [
        "/secret",
        "//secret",
        "/./secret",
        "http://evil.example/secret",
        "/secret#x",
        "secret",
        "*",
        "/a/../secret",
    ] {
        for method in ["GET", "HEAD", "POST", "get", "OPTIONS"] {
            let answer = served
                .exchange(&format!(
                    "{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                ))
                .await;
            assert!(
                answer.starts_with("HTTP/1.1 4"),
                "{method} {target}: {answer:?}"
            );
            assert!(!answer.contains("secret of"));
        }
    }
}

#[tokio::test]
async fn sec_124_every_row_of_the_table_is_as_guarded_as_it_says() {
    let app = TestApp::start().await;
    app.register("ada").await;
    let router = Router::new()
        .route("/secret", get(secret).post(secret))
        .mount(&app.auth);
    let table = router.routes().clone();
    let client = Client::new(router.with_state::<()>(app.auth.clone()).into_axum());
    let mut signed_in = client.clone();
    signed_in.cookies = app.signed_in("ada").await.cookies;
    let mut guarded = 0;
    for row in table.rows() {
        let path = row.path.replace("{id}", &"0".repeat(64));
        let request = |who: &Client| {
            who.request(row.method.clone(), &path)
                .body(Body::empty())
                .unwrap()
        };
        let answer = client.send(request(&client)).await;
        assert_eq!(
            answer.status == 401,
            row.access.starts_with("signed in"),
            "{row:?}"
        );
        guarded += usize::from(answer.status == 401);
        let forged = signed_in.send(request(&signed_in)).await;
        assert_eq!(
            forged.code() == "csrf_missing",
            row.csrf,
            "{row:?}: {}",
            forged.text
        );
    }
    assert_eq!(guarded, 9);
}

#[tokio::test]
async fn sec_126_a_lost_privilege_is_lost_on_the_next_request_of_the_same_connection() {
    let app = TestApp::start().await;
    let id = app.register("ada").await;
    let cookies = app.signed_in("ada").await.cookie_header().unwrap();
    let served = Served::start(app.router.clone()).await;
    let mut connection = served.connect().await;
    let ask = format!("GET /admin HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\n\r\n");
    let users = app.auth.users();
    for (privileged, status) in [(true, "200"), (false, "403"), (true, "200")] {
        if privileged {
            users.grant_superuser(&id).await.unwrap();
        } else {
            users.revoke_superuser(&id).await.unwrap();
        }
        let answer = connection.ask(&ask).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    users.disable(&id).await.unwrap();
    assert!(connection.ask(&ask).await.starts_with("HTTP/1.1 401"));
}
