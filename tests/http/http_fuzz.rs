//! Thousands of malformed requests over every route: none is an error of ours.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Method;
use crudauth::testing::{Clock, TestBuilder as _, sign_in};

use crate::fuzz::{Dice, PATHS, TEXTS, VALUES, assert_sound, request};
use crate::support::{
    self, Auth, Client, FORM, JSON, PASSWORD, SECRET, TempDb, TestApp, User, encode,
};

const REQUESTS: u32 = 12_000;

/// Without limits, or most answers would be 429 and nothing behind them would be reached.
async fn unlimited() -> TestApp {
    let file = TempDb::new();
    let pool = support::pool(&file.url(), 5).await;
    pool.run(User::create_table_sql(support::dialect())).await;
    let clock = Clock::manual();
    let builder = Auth::builder(pool)
        .secret(SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers();
    let auth = builder.danger_no_limits().await.unwrap();
    let db = support::pool(&file.url(), 2).await;
    let router = support::routes(&auth);
    TestApp {
        auth,
        clock,
        db,
        router,
        file,
    }
}

#[tokio::test]
async fn sec_134_twelve_thousand_malformed_requests_are_no_error_of_ours() {
    let app = unlimited().await;
    let id = app.register("ada").await;
    let client = app.client();
    let mut dice = Dice::new();
    let mut seen: BTreeMap<u16, u32> = BTreeMap::new();
    let mut signed_in = sign_in(&app.auth, &id).await.unwrap();
    for n in 0..REQUESTS {
        if n % 20 == 0 {
            signed_in = sign_in(&app.auth, &id).await.unwrap();
        }
        let request = request(&mut dice, &signed_in, PATHS);
        let told = format!(
            "request {n}: {} {} {:?}",
            request.method(),
            request.uri(),
            request.headers()
        );
        let answer = client.send(request).await;
        assert_sound(&answer, &told);
        *seen.entry(answer.status.as_u16()).or_default() += 1;
    }
    // The requests reached what lies behind the parsers, and did not all fail at the door.
    for status in [200, 401, 403, 404, 405, 422] {
        assert!(
            seen.get(&status).is_some_and(|count| *count > 20),
            "{status}: {seen:?}"
        );
    }
    assert_eq!(
        app.auth.users().find(&id).await.unwrap().unwrap().username,
        "ada"
    );
    assert_eq!(app.client().login("ada", PASSWORD).await.status, 200);
    assert_eq!(
        app.count("SELECT count(*) FROM users WHERE is_superuser OR email_verified")
            .await,
        0
    );
}

/// What is most often forgotten, one by one and on every field of every route.
#[tokio::test]
async fn sec_134_every_field_of_every_route_takes_every_hostile_value() {
    let app = unlimited().await;
    let id = app.register("ada").await;
    let signed_in = sign_in(&app.auth, &id).await.unwrap();
    let mut client: Client = app.client();
    client.csrf = Some(signed_in.csrf_token.clone());
    let values: Vec<String> = TEXTS
        .iter()
        .map(|text| format!("\"{text}\""))
        .chain(VALUES.iter().map(|&value| value.to_owned()))
        .collect();
    for (path, fields) in [
        (
            "/register",
            &["email", "username", "password", "full_name"][..],
        ),
        ("/change-password", &["current_password", "new_password"]),
        ("/set-password", &["new_password"]),
    ] {
        for hostile in fields {
            for value in &values {
                let members: Vec<String> = fields
                    .iter()
                    .map(|field| {
                        let value = match *field {
                            field if field == *hostile => value.as_str(),
                            "email" => "\"eve@example.com\"",
                            "username" => "\"eve\"",
                            _ => "\"a wrong but long password\"",
                        };
                        format!("\"{field}\":{value}")
                    })
                    .collect();
                let request = client
                    .request(Method::POST, path)
                    .header("content-type", JSON)
                    .header("cookie", &signed_in.cookie);
                let answer = client
                    .send(
                        request
                            .body(Body::from(format!("{{{}}}", members.join(","))))
                            .unwrap(),
                    )
                    .await;
                assert_sound(&answer, &format!("{path} {hostile} {value}"));
            }
        }
    }
    for field in ["username", "password", "remember_me", "grant_type"] {
        for text in TEXTS {
            let body = format!("username=ada&password=x&{field}={}", encode(text)).replacen(
                &format!("{field}=ada&"),
                "",
                1,
            );
            assert_sound(
                &client.post_body("/login", FORM, body).await,
                &format!("/login {field} {text}"),
            );
        }
    }
    let long = "x".repeat(1 << 20);
    for (path, kind) in [("/login", FORM), ("/register", JSON)] {
        assert_eq!(
            client
                .post_body(path, kind, format!("username={long}&password=x"))
                .await
                .status,
            413
        );
    }
    let identifier = "x".repeat(60_000);
    assert_eq!(client.login(&identifier, "x").await.status, 401);
}
