//! What stands in `Authorization`, as attackers write it: one answer for whatever does not verify, and none of it an account
//! (SEC-068 … SEC-078).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "support/forge.rs"]
mod forge;
mod support;
#[path = "support/tokens.rs"]
mod tokens;

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Method};
use crudauth::auth;
use crudauth::jwt::SigningKeys;
use forge::{KEY, Kinds, b64, claiming, claims_of, keyed, signed, unb64, with};
use serde_json::{Value, json};
use support::{Answer, Client, PASSWORD, User};
use tokens::{App, Pair};

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off", algorithm = "EdDSA", jwks)]
    pub struct Signed<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off", issuer = "https://us.example", audience = "us", typ = "at+jwt")]
    pub struct Named<User>;
}

/// Everything of an answer but the number of its request.
fn whole(answer: &Answer) -> (u16, HeaderMap, String) {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    (answer.status.as_u16(), headers, answer.text.clone())
}

/// `GET path` with these `Authorization` headers and no other credential.
async fn ask(client: &Client, path: &str, sent: &[&[u8]]) -> Answer {
    let mut request = client
        .request(Method::GET, path)
        .body(Body::empty())
        .unwrap();
    for value in sent {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(AUTHORIZATION, value);
    }
    client.send(request).await
}

async fn carrying(client: &Client, path: &str, token: &str) -> Answer {
    ask(client, path, &[format!("Bearer {token}").as_bytes()]).await
}

/// None of `kinds` is anybody, under a guard and where signing in is optional, and all are told the same.
async fn assert_refused(client: &Client, paths: &[&str], kinds: &Kinds) {
    for path in paths {
        let wanted = whole(&carrying(client, path, "x").await);
        assert_eq!(
            (wanted.0, wanted.2.as_str()),
            (401, r#"{"detail":"Invalid token","code":"invalid_token"}"#)
        );
        assert_eq!(
            wanted.1["www-authenticate"],
            r#"Bearer error="invalid_token""#
        );
        for (kind, token) in kinds {
            let told = whole(&carrying(client, path, token).await);
            assert_eq!(told, wanted, "{path}: {kind}");
        }
    }
}

const DOORS: [&str; 4] = ["/me", "/dashboard", "/maybe", "/reports"];

/// The application, its only account, and what a genuine token of it says.
async fn signed_in() -> (App, Pair, Value) {
    let app = keyed().await;
    app.register("ada").await;
    let pair = app.pair("ada").await;
    let claims = claims_of(&pair.access);
    // What is forged below is right in all but the one thing that is wrong.
    let copy = app.get("/me", &claiming(&claims)).await;
    assert_eq!(copy.status, 200, "{}", copy.text);
    (app, pair, claims)
}

#[tokio::test]
async fn sec_068_no_other_algorithm_and_no_other_key_is_believed() {
    let (app, pair, claims) = signed_in().await;
    let client = app.client();
    assert_refused(&client, &DOORS, &forge::of_other_algorithms(&claims)).await;
    assert_refused(
        &client,
        &DOORS,
        &forge::under_other_keys(&pair.access, &claims),
    )
    .await;
}

/// The oldest forgery: the public key as an HMAC secret, in each form in which it is published (CVE-2015-9235).
#[tokio::test]
async fn sec_068_a_public_key_is_no_secret() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let keys = SigningKeys::ed25519_pkcs8_pem(key.serialize_pem()).unwrap();
    let app = custom!(Signed, 5, signing_keys(keys));
    app.register("ada").await;
    let client = app.client();
    let answer = tokens::token(&client, "ada", PASSWORD, "").await;
    let genuine = Pair::of(&answer).access;
    assert_eq!(carrying(&client, "/me", &genuine).await.status, 200);

    let set = client.get("/.well-known/jwks.json").await;
    let jwk = set.json()["keys"][0].clone();
    let kid = jwk["kid"].as_str().unwrap();
    let x = jwk["x"].as_str().unwrap();
    let payload = claims_of(&genuine).to_string();
    let spki = key.public_key_pem();
    let mut kinds = Kinds::new();
    for (form, secret) in [
        ("raw", unb64(x)),
        ("base64url", x.as_bytes().to_vec()),
        ("PEM", spki.as_bytes().to_vec()),
        ("PEM, trimmed", spki.trim_end().as_bytes().to_vec()),
        (
            "PEM, other line ends",
            spki.replace('\n', "\r\n").into_bytes(),
        ),
        ("DER", rcgen::PublicKeyData::subject_public_key_info(&key)),
        ("JWK", jwk.to_string().into_bytes()),
        ("JWK set", set.text.clone().into_bytes()),
    ] {
        for header in [
            json!({ "alg": "HS256", "typ": "JWT", "kid": kid }),
            json!({ "alg": "HS256", "typ": "JWT" }),
            json!({ "alg": "EdDSA", "typ": "JWT", "kid": kid }),
            json!({ "alg": "none", "typ": "JWT", "kid": kid }),
        ] {
            let token = signed(&secret, &header.to_string(), &payload);
            kinds.push((format!("{form} {header}"), token));
        }
    }
    // Genuine but for the algorithm that it names, or the key.
    let (input, signature) = genuine.rsplit_once('.').unwrap();
    let body = input.split_once('.').unwrap().1;
    for header in [
        json!({ "alg": "ES256", "typ": "JWT", "kid": kid }),
        json!({ "alg": "EdDSA", "typ": "JWT" }),
        json!({ "alg": "EdDSA", "typ": "JWT", "kid": "another" }),
    ] {
        let token = format!("{}.{body}.{signature}", b64(header.to_string()));
        kinds.push((format!("relabelled {header}"), token));
    }
    assert_refused(&client, &["/me"], &kinds).await;
}

#[tokio::test]
async fn sec_069_no_token_of_another_kind_is_an_access_token() {
    let (app, pair, claims) = signed_in().await;
    let mut kinds = forge::of_other_kinds(&claims);
    kinds.push(("refresh token".to_owned(), pair.refresh));
    assert_refused(&app.client(), &DOORS, &kinds).await;
}

#[tokio::test]
async fn sec_070_every_claim_is_required_and_checked() {
    let (app, _, claims) = signed_in().await;
    assert_refused(&app.client(), &DOORS, &forge::of_wrong_claims(&claims)).await;
}

/// `iss`, `aud` and `typ`, where the block names them.
#[tokio::test]
async fn sec_070_issuer_audience_and_type_are_the_configured_ones() {
    let app = custom!(Named, 5, signing_keys(SigningKeys::hs256(KEY).unwrap()));
    app.register("ada").await;
    let client = app.client();
    let answer = tokens::token(&client, "ada", PASSWORD, "").await;
    let genuine = Pair::of(&answer).access;
    let claims = claims_of(&genuine);
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!("https://us.example"), &json!("us"))
    );
    let header = r#"{"alg":"HS256","typ":"at+jwt"}"#;
    let written = |claims: &Value| forge::headed(header, claims);
    for aud in [json!("us"), json!(["us"]), json!(["them", "us"])] {
        let token = written(&with(&claims, "aud", aud.clone()));
        assert_eq!(carrying(&client, "/me", &token).await.status, 200, "{aud}");
    }
    let mut kinds = vec![("typ JWT".to_owned(), claiming(&claims))];
    for name in ["iss", "aud"] {
        let token = written(&forge::without(&claims, name));
        kinds.push((format!("no {name}"), token));
    }
    for (name, value) in [
        ("iss", json!("https://us.example/")),
        ("iss", json!("https://US.example")),
        ("iss", json!(["https://us.example"])),
        ("iss", json!("")),
        ("aud", json!("US")),
        ("aud", json!("us ")),
        ("aud", json!("")),
        ("aud", json!([])),
        ("aud", json!(["them"])),
        ("aud", json!([["us"]])),
        ("aud", json!(["us", 1])),
        ("aud", json!({ "us": 1 })),
    ] {
        let token = written(&with(&claims, name, value.clone()));
        kinds.push((format!("{name} {value}"), token));
    }
    assert_refused(&client, &["/me"], &kinds).await;
}

/// Half a minute between clocks, to the second, at each end.
#[tokio::test]
async fn sec_070_clocks_may_be_half_a_minute_apart_and_no_more() {
    let (app, _, claims) = signed_in().await;
    let iat = claims["iat"].as_i64().unwrap();
    let told = async |claims: Value| {
        let answer = app.get("/me", &claiming(&claims)).await;
        (answer.status.as_u16(), answer.code())
    };
    let good = (200, String::new());
    let invalid = (401, "invalid_token".to_owned());
    let over = (401, "not_authenticated".to_owned());
    // Made by a clock that goes before ours.
    for name in ["iat", "nbf"] {
        for (ahead, wanted) in [(0, &good), (29, &good), (30, &good), (31, &invalid)] {
            let claims = with(&claims, name, iat + ahead);
            assert_eq!(told(claims).await, *wanted, "{name} {ahead}");
        }
    }
    // Read by a clock that goes before the issuer's.
    for (ago, wanted) in [(28, &good), (29, &good), (30, &over), (31, &over)] {
        let claims = with(&with(&claims, "iat", iat - ago - 900), "exp", iat - ago);
        assert_eq!(told(claims).await, *wanted, "exp {ago} ago");
    }
    // The same, on the clock itself.
    app.clock.advance(Duration::from_secs(900 + 29));
    assert_eq!(told(claims.clone()).await, good);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(told(claims).await, over);
}

#[tokio::test]
async fn sec_071_an_end_is_a_whole_number_within_the_configured_lifetime() {
    let (app, _, claims) = signed_in().await;
    let client = app.client();
    assert_refused(&client, &DOORS, &forge::of_wrong_ends(&claims)).await;
    // The longest life there is, with what clocks may be apart.
    let longest = claims["iat"].as_i64().unwrap() + 900 + 30;
    let token = claiming(&with(&claims, "exp", longest));
    assert_eq!(carrying(&client, "/me", &token).await.status, 200);
}

#[tokio::test]
async fn sec_072_no_header_brings_its_own_key_or_meaning() {
    let (app, _, claims) = signed_in().await;
    assert_refused(&app.client(), &DOORS, &forge::of_wrong_headers(&claims)).await;
    assert_eq!(app.db.count("SELECT COUNT(*) FROM users").await, 1);
}

/// A name of a key is a name, and nothing else is tried.
#[tokio::test]
async fn sec_072_a_kid_names_exactly_one_of_our_keys() {
    let app = keyed().await;
    app.register("ada").await;
    let second = "tests only: the other key of access tokens, named";
    let later = app.clock.now().to_datetime() + time::Duration::days(1);
    let keys = SigningKeys::hs256(KEY).unwrap().kid("one").unwrap();
    let other = SigningKeys::hs256(second).unwrap().kid("two").unwrap();
    let keys = keys.also_verify(other, later).unwrap();
    app.auth.tokens().replace_keys(keys).unwrap();
    let claims = claims_of(&app.pair("ada").await.access);
    let client = app.client();
    let made = |kid: &str, key: &str| {
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid }).to_string();
        signed(key.as_bytes(), &header, &claims.to_string())
    };
    for (kid, key) in [("one", KEY), ("two", second)] {
        let answer = carrying(&client, "/me", &made(kid, key)).await;
        assert_eq!(answer.status, 200, "{kid}");
    }
    let mut kinds = vec![("no kid".to_owned(), claiming(&claims))];
    for kid in [
        "two",
        "One",
        "one ",
        "one\0",
        "on",
        "one/../two",
        "three",
        "",
    ] {
        kinds.push((format!("kid {kid:?}"), made(kid, KEY)));
    }
    kinds.push(("swapped".to_owned(), made("one", second)));
    assert_refused(&client, &DOORS, &kinds).await;
}

#[tokio::test]
async fn sec_073_a_token_has_one_spelling() {
    let (app, pair, claims) = signed_in().await;
    let kinds = forge::of_wrong_form(&pair.access, &claims);
    assert_refused(&app.client(), &DOORS, &kinds).await;
    // 8 KiB are a token, one character more is none.
    let fill = |length: usize| {
        let token = claiming(&with(&claims, "x", "y".repeat(length)));
        (token.len(), token)
    };
    let most = (5500..6100).rev().find(|length| fill(*length).0 <= 8192);
    let longest = fill(most.unwrap()).1;
    assert!(longest.len() > 8188, "{}", longest.len());
    assert_eq!(app.get("/me", &longest).await.status, 200);
    assert_eq!(
        app.get("/me", &fill(most.unwrap() + 2).1).await.code(),
        "invalid_token"
    );
}

/// A megabyte costs nothing before it is refused.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "measures")]
async fn sec_073_a_megabyte_is_refused_unread() {
    let (app, pair, _) = signed_in().await;
    let client = app.client();
    let (header, rest) = pair.access.split_once('.').unwrap();
    for token in [
        "A".repeat(1 << 20),
        format!("{header}.{}.{rest}", "A".repeat(1 << 20)),
        "A.".repeat(1 << 19),
    ] {
        let mut fastest = Duration::MAX;
        for _ in 0..20 {
            let began = Instant::now();
            let answer = carrying(&client, "/me", &token).await;
            fastest = fastest.min(began.elapsed());
            assert_eq!(answer.code(), "invalid_token");
        }
        assert!(fastest < Duration::from_millis(5), "{fastest:?}");
    }
}

#[tokio::test]
async fn sec_077_only_one_authorization_header_of_the_scheme_counts() {
    let (app, pair, _) = signed_in().await;
    let client = app.client();
    let good = pair.access.as_str();
    let bearer = format!("Bearer {good}");
    // The scheme in any case, and any number of spaces.
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer    "] {
        let sent = format!("{scheme}{good}");
        let answer = ask(&client, "/me", &[sent.as_bytes()]).await;
        assert_eq!(answer.status, 200, "{scheme:?}");
    }
    // Another scheme is no credential of ours: the next transport is asked, and there is nobody.
    for other in [
        "Basic YWRhOmNvcnJlY3Q=".to_owned(),
        format!("Basic {good}"),
        format!("Token {good}"),
        format!("DPoP {good}"),
        format!("Bearer2 {good}"),
        format!("Bearer:{good}"),
        format!("Bearer={good}"),
        format!("Bearer{good}"),
        format!(" Bearer\u{a0}{good}"),
        good.to_owned(),
        "B".to_owned(),
        String::new(),
    ] {
        let answer = ask(&client, "/me", &[other.as_bytes()]).await;
        assert_eq!(answer.code(), "not_authenticated", "{other:?}");
        let answer = ask(&client, "/maybe", &[other.as_bytes()]).await;
        assert_eq!(answer.text, r#"{"id":null}"#, "{other:?}");
    }
    // Two headers are two readings, whichever of them is good.
    let basic = b"Basic YWRhOmNvcnJlY3Q=".as_slice();
    for pair in [
        [bearer.as_bytes(), bearer.as_bytes()],
        [bearer.as_bytes(), basic],
        [basic, bearer.as_bytes()],
        [basic, basic],
        [bearer.as_bytes(), b"Bearer x"],
        [b"", bearer.as_bytes()],
    ] {
        for path in DOORS {
            let answer = ask(&client, path, &pair).await;
            assert_eq!(answer.code(), "invalid_token", "{path} {pair:?}");
        }
    }
    for bytes in [
        &b"Bearer \xff\xfe"[..],
        b"Bearer \xc3\x28.x.y",
        b"Bearer",
        b"Bearer ",
    ] {
        let answer = ask(&client, "/maybe", &[bytes]).await;
        assert_eq!(answer.code(), "invalid_token", "{bytes:?}");
    }
}

/// A token is read from nowhere else: not from the address, the body, a cookie, or a header that a proxy makes.
#[tokio::test]
async fn sec_077_a_token_elsewhere_is_no_token() {
    let (app, pair, _) = signed_in().await;
    let client = app.client();
    let good = pair.access.as_str();
    for path in ["/me", "/dashboard", "/maybe"] {
        for name in ["access_token", "token", "bearer_token", "Authorization"] {
            let answer = client.get(&format!("{path}?{name}={good}")).await;
            let anonymous = answer.text == r#"{"id":null}"#;
            assert!(
                anonymous || answer.code() == "not_authenticated",
                "{path} {name}: {}",
                answer.text
            );
        }
    }
    for (kind, body) in [
        (support::FORM, format!("access_token={good}")),
        (support::JSON, json!({ "access_token": good }).to_string()),
    ] {
        let answer = client.post_body("/dashboard", kind, body).await;
        assert_eq!(answer.code(), "not_authenticated");
    }
    for name in [
        "cookie",
        "proxy-authorization",
        "x-forwarded-authorization",
        "x-authorization",
        "x-access-token",
        "sec-websocket-protocol",
    ] {
        let value = match name {
            "cookie" => format!("access_token={good}; Authorization=Bearer {good}"),
            _ => format!("Bearer {good}"),
        };
        let request = client.request(Method::GET, "/me").header(name, value);
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.code(), "not_authenticated", "{name}");
    }
}

/// Every kind there is here, at one door: one answer, byte for byte, and nothing of the database moved.
#[tokio::test]
async fn sec_078_one_answer_for_every_token_that_does_not_verify() {
    let (app, pair, claims) = signed_in().await;
    let kinds: Kinds = [
        forge::of_other_algorithms(&claims),
        forge::under_other_keys(&pair.access, &claims),
        forge::of_other_kinds(&claims),
        forge::of_wrong_claims(&claims),
        forge::of_wrong_ends(&claims),
        forge::of_wrong_headers(&claims),
        forge::of_wrong_form(&pair.access, &claims),
    ]
    .concat();
    assert!(kinds.len() > 100, "{}", kinds.len());
    let before = rows(&app).await;
    assert_refused(&app.client(), &["/maybe"], &kinds).await;
    for (kind, token) in &kinds {
        let found = app.auth.tokens().verify(token).await.unwrap();
        assert!(found.is_none(), "{kind}");
    }
    assert_eq!(rows(&app).await, before);
    assert_eq!(app.get("/me", &pair.access).await.status, 200);
}

async fn rows(app: &App) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for table in app.db.tables().await {
        all.extend(app.db.bytes(&table).await);
    }
    all
}

/// A genuine token that is over is no credential, and tells nobody why.
#[tokio::test]
async fn sec_078_a_genuine_token_that_is_over_is_no_credential() {
    let (app, pair, claims) = signed_in().await;
    app.register("eve").await;
    let eve = app.pair("eve").await;
    let foreign = claims_of(&eve.access);
    let client = app.client();
    let nobody = whole(&client.get("/me").await);
    assert_eq!(
        (nobody.0, nobody.2.as_str()),
        (
            401,
            r#"{"detail":"Not authenticated","code":"not_authenticated"}"#
        )
    );
    assert_eq!(nobody.1["www-authenticate"], "Bearer");

    let iat = claims["iat"].as_i64().unwrap();
    let mut over: Kinds = [
        (
            "expired",
            with(&with(&claims, "iat", iat - 2000), "exp", iat - 1200),
        ),
        ("an earlier epoch", with(&claims, "ver", -1)),
        ("a later epoch", with(&claims, "ver", 1)),
        ("an epoch out of range", with(&claims, "ver", i64::MAX)),
        ("no such family", with(&claims, "sid", b64([7; 16]))),
        (
            "a family of another's",
            with(&claims, "sid", foreign["sid"].clone()),
        ),
        (
            "another's account",
            with(&claims, "sub", foreign["sub"].clone()),
        ),
        (
            "a family in other case",
            with(
                &claims,
                "sid",
                claims["sid"].as_str().unwrap().to_ascii_uppercase(),
            ),
        ),
        ("a family in SQL", with(&claims, "sid", "' OR '1'='1")),
        ("a family of nothing", with(&claims, "sid", "")),
        ("a family with NUL", with(&claims, "sid", "a\0b")),
        ("a family of a mile", with(&claims, "sid", "a".repeat(5000))),
    ]
    .into_iter()
    .map(|(kind, claims)| (kind.to_owned(), claiming(&claims)))
    .collect();
    // Only the canonical spelling of a number is an account's key.
    for sub in [
        " 1",
        "1 ",
        "+1",
        "01",
        "1.0",
        "0x1",
        "1e0",
        "-1",
        "0",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "１",
        "1\n",
        "1\u{0}",
        "1' OR '1'='1",
        "*",
        "null",
        "[1]",
        "ada",
    ] {
        let token = claiming(&with(&claims, "sub", sub));
        over.push((format!("sub {sub:?}"), token));
    }
    for (kind, token) in &over {
        let told = whole(&carrying(&client, "/me", token).await);
        assert_eq!(told, nobody, "{kind}");
        let told = carrying(&client, "/maybe", token).await;
        assert_eq!(
            (told.status.as_u16(), told.text.as_str()),
            (200, r#"{"id":null}"#),
            "{kind}"
        );
    }
    assert_eq!(app.get("/me", &pair.access).await.status, 200);
    assert_eq!(app.get("/me", &eve.access).await.status, 200);
}

/// What ends an account's sessions ends its access tokens: at the next request, and told as if there were none.
#[tokio::test]
async fn sec_076_a_token_dies_with_what_it_stands_on() {
    for how in [
        "revoked",
        "disabled",
        "deleted",
        "moved on",
        "password",
        "logout-all",
    ] {
        let app = tokens::app().await;
        let id = app.register("ada").await;
        app.register("eve").await;
        let (pair, eve) = (app.pair("ada").await, app.pair("eve").await);
        assert_eq!(app.get("/me", &pair.access).await.status, 200);
        let nobody = whole(&app.client().get("/me").await);
        let users = app.auth.users();
        match how {
            "revoked" => app.auth.tokens().revoke(&pair.refresh).await.unwrap(),
            "disabled" => assert!(users.disable(&id).await.unwrap()),
            "deleted" => assert!(users.delete(&id).await.unwrap()),
            "moved on" => {
                let sql = "UPDATE users SET token_version = token_version + 1 WHERE id = $1";
                app.db.query(sql).bind(id).execute().await;
            }
            "password" => {
                let body = json!({ "current_password": PASSWORD, "new_password": "a wholly different one" });
                let answer = app
                    .signed_in("ada")
                    .await
                    .post_json("/change-password", &body)
                    .await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            _ => {
                let answer = app.signed_in("ada").await.post("/logout-all").await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
        }
        let client = app.client();
        let told = whole(&carrying(&client, "/me", &pair.access).await);
        assert_eq!(told, nobody, "{how}");
        let told = carrying(&client, "/maybe", &pair.access).await;
        assert_eq!(told.text, r#"{"id":null}"#, "{how}");
        assert_eq!(
            app.refresh(&pair.refresh).await.code(),
            "refresh_token_invalid",
            "{how}"
        );
        assert_eq!(app.get("/me", &eve.access).await.status, 200, "{how}");
    }
}

/// A disabled account that is enabled again has a new life: its former tokens stay dead.
#[tokio::test]
async fn sec_076_enabling_an_account_revives_no_token() {
    let app = tokens::app().await;
    let id = app.register("ada").await;
    let pair = app.pair("ada").await;
    app.auth.users().disable(&id).await.unwrap();
    assert_eq!(app.get("/me", &pair.access).await.status, 401);
    app.auth.users().enable(&id).await.unwrap();
    assert_eq!(
        app.get("/me", &pair.access).await.code(),
        "not_authenticated"
    );
    assert_eq!(app.refresh(&pair.refresh).await.status, 401);
    let fresh = app.pair("ada").await;
    assert_eq!(app.get("/me", &fresh.access).await.status, 200);
}
