//! What stands in `Authorization`, as attackers write it: one answer for whatever does not verify, and none of it an account
//! (SEC-068 … SEC-073, SEC-078).

use std::time::{Duration, Instant};

use crudauth::auth;
use crudauth::jwt::SigningKeys;
use serde_json::{Value, json};

use crate::custom;
use crate::forge;
use crate::forge::{
    KEY, Kinds, ask, b64, carrying, claiming, claims_of, keyed, signed, signed_in, unb64, whole,
    with,
};
use crate::forged;
use crate::support::{Client, PASSWORD, User};
use crate::tokens;
use crate::tokens::{App, Pair};

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

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off", audience = "customers")]
    pub struct Customers<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off", audience = "staff")]
    pub struct Staff<User>;
}

auth! {
    #[database(sqlite, postgres)]
    #[bearer(refresh = "off")]
    pub struct Unnamed<User>;
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

#[tokio::test]
async fn sec_068_no_other_algorithm_and_no_other_key_is_believed() {
    let (app, pair, claims) = signed_in().await;
    let client = app.client();
    assert_refused(&client, &DOORS, &forged::of_other_algorithms(&claims)).await;
    assert_refused(
        &client,
        &DOORS,
        &forged::under_other_keys(&pair.access, &claims),
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
    let mut kinds = forged::of_other_kinds(&claims);
    kinds.push(("refresh token".to_owned(), pair.refresh));
    assert_refused(&app.client(), &DOORS, &kinds).await;
}

#[tokio::test]
async fn sec_070_every_claim_is_required_and_checked() {
    let (app, _, claims) = signed_in().await;
    assert_refused(&app.client(), &DOORS, &forged::of_wrong_claims(&claims)).await;
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

#[tokio::test]
async fn sec_071_an_end_is_a_whole_number_within_the_configured_lifetime() {
    let (app, _, claims) = signed_in().await;
    let client = app.client();
    assert_refused(&client, &DOORS, &forged::of_wrong_ends(&claims)).await;
    // The longest life there is, with what clocks may be apart.
    let longest = claims["iat"].as_i64().unwrap() + 900 + 30;
    let token = claiming(&with(&claims, "exp", longest));
    assert_eq!(carrying(&client, "/me", &token).await.status, 200);
}

#[tokio::test]
async fn sec_072_no_header_brings_its_own_key_or_meaning() {
    let (app, _, claims) = signed_in().await;
    assert_refused(&app.client(), &DOORS, &forged::of_wrong_headers(&claims)).await;
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
    let kinds = forged::of_wrong_form(&pair.access, &claims);
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

/// A megabyte costs no more than one that is not ours to read.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "measures")]
async fn sec_073_a_megabyte_is_refused_unread() {
    let (app, pair, _) = signed_in().await;
    let client = app.client();
    let (header, rest) = pair.access.split_once('.').unwrap();
    let timed = async |sent: &str, code: &str| {
        let began = Instant::now();
        let answer = ask(&client, "/me", &[sent.as_bytes()]).await;
        assert_eq!(answer.code(), code);
        began.elapsed()
    };
    for token in [
        "A".repeat(1 << 20),
        format!("{header}.{}.{rest}", "A".repeat(1 << 20)),
        "A.".repeat(1 << 19),
    ] {
        let (bearer, basic) = (format!("Bearer {token}"), format!("Basic {token}"));
        let (mut read, mut unread) = (Duration::MAX, Duration::MAX);
        for _ in 0..30 {
            read = read.min(timed(&bearer, "invalid_token").await);
            unread = unread.min(timed(&basic, "not_authenticated").await);
        }
        assert!(
            read < unread + Duration::from_millis(5),
            "{read:?} {unread:?}"
        );
    }
}

/// Every kind there is here, at one door: one answer, byte for byte, and nothing of the database moved.
#[tokio::test]
async fn sec_078_one_answer_for_every_token_that_does_not_verify() {
    let (app, pair, claims) = signed_in().await;
    let kinds: Kinds = [
        forged::of_other_algorithms(&claims),
        forged::under_other_keys(&pair.access, &claims),
        forged::of_other_kinds(&claims),
        forged::of_wrong_claims(&claims),
        forged::of_wrong_ends(&claims),
        forged::of_wrong_headers(&claims),
        forged::of_wrong_form(&pair.access, &claims),
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

/// Two applications under one secret, each with an account 1: what one says of its own is nothing to the other.
#[tokio::test]
async fn sec_070_a_token_of_another_application_under_one_secret_is_nobodys() {
    // Where there are families, they are in one database.
    let (one, other) = (tokens::app().await, tokens::app().await);
    one.register("ada").await;
    other.register("eve").await;
    let pair = one.pair("ada").await;
    let answer = other.get("/me", &pair.access).await;
    assert_eq!(answer.code(), "not_authenticated");
    let answer = other.refresh(&pair.refresh).await;
    assert_eq!(answer.code(), "refresh_token_invalid");
    assert_eq!(one.get("/me", &pair.access).await.status, 200);
    assert_eq!(one.refresh(&pair.refresh).await.status, 200);

    // Where there are none, it is that epochs begin at random.
    let (unnamed, another) = (custom!(Unnamed), custom!(Unnamed));
    unnamed.register("ada").await;
    another.register("eve").await;
    let answer = tokens::token(&unnamed.client(), "ada", PASSWORD, "").await;
    let access = Pair::of(&answer).access;
    let told = carrying(&unnamed.client(), "/me", &access).await;
    assert_eq!(told.status, 200);
    let told = carrying(&another.client(), "/me", &access).await;
    assert_eq!(told.code(), "not_authenticated");

    // `audience` tells them apart before any account is asked.
    let (customers, staff) = (custom!(Customers), custom!(Staff));
    customers.register("ada").await;
    staff.register("eve").await;
    let answer = tokens::token(&customers.client(), "ada", PASSWORD, "").await;
    let access = Pair::of(&answer).access;
    let told = carrying(&customers.client(), "/me", &access).await;
    assert_eq!(told.status, 200);
    let told = carrying(&staff.client(), "/me", &access).await;
    assert_eq!(told.code(), "invalid_token");
}
