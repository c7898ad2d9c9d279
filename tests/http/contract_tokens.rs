//! The wire of tokens as the contract words it: success bodies and cookies, the members of OAuth, and what is not mounted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{self, Answer, FORM, JSON, PASSWORD};
use crate::world;
use crate::world::{foreign, tokens, tokens_in_body, without_refresh, world};

const THIRTY_DAYS: u64 = 30 * 86_400;

/// What a token says, and what its header does.
fn read(token: &str) -> (Value, Value) {
    let parts: Vec<Value> = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    (parts[0].clone(), parts[1].clone())
}

fn text(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_refresh_token_is_in_a_cookie_by_default() {
    let w = tokens().await;
    let answer = w.grant("ada", PASSWORD).await;
    let access = text(&answer, "access_token");
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{access}","token_type":"bearer","expires_in":900,"scope":"read"}}"#
        )
    );
    let [refresh, device] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    let (value, attributes) = refresh.split_once("; ").unwrap();
    assert_eq!(value.strip_prefix("refresh_token=").unwrap().len(), 72);
    assert_eq!(
        attributes,
        format!("HttpOnly; Max-Age={THIRTY_DAYS}; Path=/; SameSite=lax; Secure")
    );
    assert!(device.starts_with("device_id="), "{device}");
    assert!(device.contains("HttpOnly"), "{device}");

    // Renewed the way it came, in the shape it came in; a body is not read.
    let program = w.program().await;
    let answer = program
        .post_body("/refresh", JSON, r#"{"refresh_token":"x"}"#)
        .await;
    let access = text(&answer, "access_token");
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{access}","token_type":"bearer","expires_in":900,"scope":"read"}}"#
        )
    );
    let [refresh] = answer.set_cookies()[..] else {
        panic!("{:?}", answer.set_cookies());
    };
    assert!(refresh.starts_with("refresh_token="), "{refresh}");
    assert!(!refresh.contains(&program.cookies["refresh_token"]));
    let in_body = json!({ "refresh_token": program.cookies["refresh_token"] });
    let answer = w.stranger.post_json("/refresh", &in_body).await;
    assert_eq!(answer.code(), "refresh_token_missing");
}

#[tokio::test]
async fn the_refresh_token_is_in_the_bodies_by_option() {
    let w = tokens_in_body().await;
    let answer = w.grant("ada", PASSWORD).await;
    let (access, refresh) = (
        text(&answer, "access_token"),
        text(&answer, "refresh_token"),
    );
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{access}","token_type":"bearer","expires_in":900,"scope":"","refresh_token":"{refresh}"}}"#
        )
    );
    assert_eq!(refresh.len(), 72);
    assert!(answer.set_cookies().is_empty());
    // The cookie wins when both are there, and a body without the member is a request without a token.
    let mut both = w.stranger.clone();
    both.cookies
        .insert("refresh_token".to_owned(), "x".to_owned());
    let body = json!({ "refresh_token": refresh });
    assert_eq!(
        both.post_json("/refresh", &body).await.code(),
        "refresh_token_invalid"
    );
    let empty = w.stranger.post_json("/refresh", &json!({})).await;
    assert_eq!(empty.code(), "refresh_token_missing");
    let answer = w.stranger.post_json("/refresh", &body).await;
    assert_ne!(text(&answer, "refresh_token"), refresh);
    assert!(answer.set_cookies().is_empty());
    // A foreign page may send a form here: there is no cookie that it would plant.
    let foreign = foreign(&w.stranger, "/token", FORM).await;
    assert_eq!(foreign.code(), "validation_error");
}

/// Contract §3.2, and no claim besides.
#[tokio::test]
async fn an_access_token_says_what_the_contract_lists() {
    let w = world().await;
    let answer = w.grant("ada", PASSWORD).await;
    let (header, claims) = read(&text(&answer, "access_token"));
    let set = w.stranger.get("/.well-known/jwks.json").await.json();
    let kid = set["keys"][0]["kid"].clone();
    assert_eq!(header, json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid }));
    let names: Vec<&str> = claims
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "exp",
            "iat",
            "jti",
            "scopes",
            "sid",
            "sub",
            "token_type",
            "ver"
        ]
    );
    assert_eq!(claims["sub"], "1");
    let epoch: i64 = w.db.query("SELECT token_version FROM users").scalar().await;
    assert_eq!(claims["ver"], epoch);
    assert_eq!(claims["token_type"], "access");
    assert_eq!(claims["scopes"], json!(["read"]));
    let exp = claims["exp"].as_i64().unwrap();
    assert_eq!(exp - claims["iat"].as_i64().unwrap(), 900);
    let token = text(&answer, "access_token");
    let other = w.under(&token, "/token/introspect", "token=x").await;
    assert_eq!(other.text, r#"{"active":false}"#);
}

#[tokio::test]
async fn a_wrong_grant_type_is_named_as_oauth_names_it() {
    let w = tokens().await;
    for grant in ["zzz", "refresh_token", "client_credentials", "PASSWORD"] {
        let body = format!("username=ada&password=x&grant_type={grant}");
        let answer = w.stranger.post_body("/token", FORM, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (
                422,
                r#"{"detail":[{"type":"string_pattern_mismatch","loc":["body","grant_type"],"msg":"String should match pattern '^password$'","ctx":{"pattern":"^password$"}}],"code":"validation_error","error":"unsupported_grant_type","error_description":"The request is not valid."}"#
            ),
            "{grant}"
        );
    }
    let body = format!(
        "grant_type=password&username=ada&password={}&client_id=a&client_secret=b&scope=",
        support::encode(PASSWORD)
    );
    let answer = w.stranger.post_body("/token", FORM, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn token_reads_the_forms_that_login_reads() {
    let w = tokens().await;
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = format!(
        "{}{}{}--b--\r\n",
        part("username", "ada"),
        part("password", PASSWORD),
        part("scope", "reports:read")
    );
    let kind = "multipart/form-data; boundary=b";
    let answer = w.stranger.post_body("/token", kind, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["scope"], "reports:read");
    // JSON is a form without fields, also where it would name them.
    let body = json!({ "username": "ada", "password": PASSWORD });
    let answer = w.stranger.post_json("/token", &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (
            422,
            r#"{"detail":[{"type":"missing","loc":["body","username"],"msg":"Field required"},{"type":"missing","loc":["body","password"],"msg":"Field required"}],"code":"validation_error","error":"invalid_request","error_description":"The request is not valid."}"#
        )
    );
}

/// Contract §1: which routes an application with tokens alone has.
#[tokio::test]
async fn tokens_alone_bring_no_route_of_sessions() {
    for (w, refresh, logout) in [
        (tokens().await, true, true),
        (tokens_in_body().await, true, false),
        (without_refresh().await, false, false),
    ] {
        for (path, mounted) in [
            ("/token", true),
            ("/refresh", refresh),
            ("/logout", logout),
            ("/login", false),
            ("/logout-all", false),
            ("/csrf/refresh", false),
            ("/sessions", false),
            ("/token/revoke", false),
            ("/token/introspect", false),
            ("/.well-known/jwks.json", false),
        ] {
            let answer = w.stranger.post(path).await;
            assert_eq!(answer.status != 404, mounted, "{path}: {}", answer.text);
        }
        for path in ["/sessions", "/.well-known/jwks.json"] {
            assert_eq!(w.stranger.get(path).await.status, 404, "{path}");
        }
        for method in ["GET", "PUT", "DELETE", "PATCH", "HEAD"] {
            let method = method.parse().unwrap();
            let request = w.stranger.request(method, "/token");
            let request = request.body(axum::body::Body::empty()).unwrap();
            let answer = w.stranger.send(request).await;
            assert_eq!(answer.status, 405);
            assert_eq!(answer.header("allow"), Some("POST"));
        }
        // Nobody is signed in, and nothing asks for a CSRF token.
        let nobody = w.stranger.get("/me").await;
        assert_eq!(nobody.code(), "not_authenticated");
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
        let changed = w.change(PASSWORD, world::NEW).await;
        assert_eq!(changed.code(), "not_authenticated");
    }
}

#[tokio::test]
async fn without_refresh_a_sign_in_gives_an_access_token_alone() {
    let w = without_refresh().await;
    let answer = w.grant("ada", PASSWORD).await;
    let access = text(&answer, "access_token");
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{access}","token_type":"bearer","expires_in":900,"scope":""}}"#
        )
    );
    assert!(
        answer.set_cookies().is_empty(),
        "{:?}",
        answer.set_cookies()
    );
    assert!(read(&access).1.get("sid").is_none());
    assert_eq!(
        w.db.count("SELECT COUNT(*) FROM auth_refresh_tokens").await,
        0
    );
}

/// Contract §1.3: where tokens are alone, `/logout` ends the family and clears the cookie, and asks for nothing.
#[tokio::test]
async fn logging_out_of_tokens_alone_clears_their_cookie() {
    let w = tokens().await;
    let mut program = w.program().await;
    let stolen = program.clone();
    for (client, families) in [(w.stranger.clone(), 1), (program.clone(), 0)] {
        let answer = client.post("/logout").await;
        assert_eq!(answer.text, r#"{"detail":"Logged out"}"#);
        let [cleared] = answer.set_cookies()[..] else {
            panic!("{:?}", answer.set_cookies());
        };
        assert!(cleared.starts_with("refresh_token="), "{cleared}");
        for attribute in ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=lax", "Secure"] {
            assert!(cleared.contains(attribute), "{cleared}");
        }
        program.keep(&answer);
        let left = w.db.count("SELECT COUNT(*) FROM auth_refresh_tokens").await;
        assert_eq!(left, families);
    }
    assert!(!program.cookies.contains_key("refresh_token"));
    let answer = stolen.post("/refresh").await;
    assert_eq!(answer.code(), "refresh_token_invalid");
    assert_eq!(w.grant("ada", PASSWORD).await.status, 200);
}
