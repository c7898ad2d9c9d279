//! Thousands of malformed requests over the routes of recovery: none is an error of ours.

use std::collections::BTreeMap;

use axum::http::Method;
use crudauth::routing::Router;
use crudauth::testing::{CaptureMailer, Clock, TestBuilder as _, sign_in};

use crate::fuzz::{Dice, RECOVERY, TEXTS, VALUES, assert_sound, request};
use crate::mailed::{MailApp, MailAuth};
use crate::support::{self, Custom, JSON, PASSWORD};

const REQUESTS: u32 = 12_000;

/// Without limits, or most answers would be 429 and nothing behind them would be reached.
async fn unlimited() -> MailApp<MailAuth> {
    let (file, pool) = support::database(5).await;
    let (clock, mail) = (Clock::manual(), CaptureMailer::new());
    let builder = MailAuth::builder(pool)
        .secret(support::SECRET)
        .clock(clock.clone())
        .cheap_hashing()
        .manual_workers()
        .mailer(mail.clone());
    let auth = builder.danger_no_limits().await.unwrap();
    let router = Router::new()
        .mount(&auth)
        .with_state(auth.clone())
        .into_axum();
    let db = support::pool(&file.url(), 2).await;
    let app = Custom {
        auth,
        clock,
        db,
        router,
        file,
    };
    MailApp { app, mail }
}

#[tokio::test]
async fn sec_134_thousands_of_malformed_requests_for_recovery_are_no_error_of_ours() {
    let app = unlimited().await;
    app.sign_up("ada").await;
    let id = app
        .auth
        .users()
        .find_by_username("ada")
        .await
        .unwrap()
        .unwrap()
        .id;
    let client = app.client();
    let mut dice = Dice::new();
    let mut seen: BTreeMap<u16, u32> = BTreeMap::new();
    let mut signed_in = sign_in(&app.auth, &id).await.unwrap();
    for n in 0..REQUESTS {
        if n % 20 == 0 {
            signed_in = sign_in(&app.auth, &id).await.unwrap();
            app.deliver().await;
        }
        let request = request(&mut dice, &signed_in, RECOVERY);
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
    app.deliver().await;
    assert_eq!(
        app.count("SELECT count(*) FROM auth_outbox").await,
        0,
        "the worker took all of it"
    );
    for status in [200, 400, 401, 403, 404, 405, 422] {
        assert!(
            seen.get(&status).is_some_and(|count| *count > 5),
            "{status}: {seen:?}"
        );
    }
    for message in app.mail.messages() {
        assert!(
            message.to.is_ascii() && !message.to.contains(char::is_whitespace),
            "{:?}",
            message.to
        );
    }
    let ada = app.auth.users().find(&id).await.unwrap().unwrap();
    assert_eq!(
        (ada.email.as_str(), ada.email_verified),
        ("ada@example.com", false)
    );
    assert_eq!(app.client().login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_134_every_field_of_recovery_takes_every_hostile_value() {
    let app = unlimited().await;
    app.sign_up("ada").await;
    let id = app
        .auth
        .users()
        .find_by_username("ada")
        .await
        .unwrap()
        .unwrap()
        .id;
    let signed_in = sign_in(&app.auth, &id).await.unwrap();
    let mut client = app.client();
    client.csrf = Some(signed_in.csrf_token.clone());
    let values: Vec<String> = TEXTS
        .iter()
        .map(|text| format!("\"{text}\""))
        .chain(VALUES.iter().map(|&value| value.to_owned()))
        .collect();
    for (path, fields) in [
        ("/email/verify-request", &["email", "redirect_to"][..]),
        ("/password/reset-request", &["email", "redirect_to"]),
        ("/email/verify-confirm", &["token"]),
        ("/password/reset-confirm", &["token", "new_password"]),
        (
            "/email/change-request",
            &["new_email", "password", "redirect_to"],
        ),
        ("/email/change-confirm", &["token"]),
        ("/email/change-undo", &["token"]),
    ] {
        for hostile in fields {
            for value in &values {
                let members: Vec<String> = fields
                    .iter()
                    .map(|field| {
                        let value = match *field {
                            field if field == *hostile => value.as_str(),
                            "email" => "\"ada@example.com\"",
                            "new_email" => "\"eve@example.com\"",
                            "password" => "\"correct horse battery\"",
                            "redirect_to" => "\"/dash\"",
                            _ => "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
                        };
                        format!("\"{field}\":{value}")
                    })
                    .collect();
                let request = client
                    .request(Method::POST, path)
                    .header("content-type", JSON)
                    .header("cookie", &signed_in.cookie);
                let body = format!("{{{}}}", members.join(","));
                let answer = client.send(request.body(body.into()).unwrap()).await;
                assert_sound(&answer, &format!("{path} {hostile} {value}"));
                app.deliver().await;
            }
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM auth_outbox").await, 0);
}
