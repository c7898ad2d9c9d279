//! Links: what opens them, what kills them, and what they leave behind.

use axum::body::Body;
use axum::http::Method;
use crudauth::mail::MessageKind;
use serde_json::json;

use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{self, Answer, PASSWORD, fresh_address};

const NEW: &str = "another fine passphrase";

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

fn dead() -> (u16, String) {
    (400, "link_dead".to_owned())
}

/// A live token for each of the four routes that take one, with the route and the other fields of its body.
async fn tokens(app: &MailApp<MailAuth>) -> Vec<(&'static str, String)> {
    app.sign_up("ada").await;
    let verify = app.token(MessageKind::VerifyEmail, "ada");
    app.verified("bob").await;
    let reset = app.reset_token("bob").await;
    app.verified("carl").await;
    let carl = app.signed_in("carl").await;
    app.move_to(&carl, "charles").await;
    let change = app.token(MessageKind::ChangeEmail, "charles");
    app.verified("dora").await;
    let dora = app.signed_in("dora").await;
    app.move_to(&dora, "theodora").await;
    let undo = app.token(MessageKind::ChangeEmail, "theodora");
    assert_eq!(
        app.confirm("/email/change-confirm", &undo).await.status,
        200
    );
    app.deliver().await;
    let undo = app.token(MessageKind::EmailChanged, "dora");
    vec![
        ("/email/verify-confirm", verify),
        ("/password/reset-confirm", reset),
        ("/email/change-confirm", change),
        ("/email/change-undo", undo),
    ]
}

#[tokio::test]
async fn sec_062_a_scanner_that_follows_a_link_burns_nothing() {
    let app = mail_app().await;
    for (path, token) in tokens(&app).await {
        let body = json!({ "token": token, "new_password": NEW });
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            for _ in 0..5 {
                for target in [
                    format!("{path}?token={token}"),
                    format!("{path}?token={token}&new_password={}", support::encode(NEW)),
                    path.to_owned(),
                ] {
                    let request = app
                        .client()
                        .request(method.clone(), &target)
                        .header("content-type", support::JSON);
                    let answer = app
                        .client()
                        .send(request.body(Body::from(body.to_string())).unwrap())
                        .await;
                    assert_eq!(answer.status, 405, "{method} {target}");
                }
            }
        }
        // Nor does a POST that carries the token anywhere but in its body, or as a form.
        let client = app.client();
        let in_query = client
            .post_json(&format!("{path}?token={token}"), &body)
            .await;
        assert_eq!(in_query.status, 422, "{path}");
        let form = format!("token={token}&new_password={}", support::encode(NEW));
        assert_eq!(
            client.post_body(path, support::FORM, form).await.status,
            422
        );

        let answer = client.post_json(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_token_opens_its_own_route_only() {
    let app = mail_app().await;
    let tokens = tokens(&app).await;
    for (path, token) in &tokens {
        for (other, _) in tokens.iter().filter(|(other, _)| other != path) {
            let body = json!({ "token": token, "new_password": NEW });
            let answer = app.client().post_json(other, &body).await;
            assert_eq!(refused(&answer), dead(), "{path}'s token at {other}");
        }
    }
    for (path, token) in &tokens {
        let body = json!({ "token": token, "new_password": NEW });
        assert_eq!(
            app.client().post_json(path, &body).await.status,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_no_token_is_refused_like_one_that_is_dead() {
    let app = mail_app().await;
    for (path, token) in tokens(&app).await {
        for wrong in [
            String::new(),
            "x".to_owned(),
            token[..63].to_owned(),
            format!("{token}A"),
            format!(" {token}"),
            format!("{token}="),
            format!("{}{}", &token[..22], "A".repeat(42)),
            "A".repeat(64),
            "é".repeat(32),
            "x".repeat(10_000),
        ] {
            let body = json!({ "token": wrong, "new_password": NEW });
            let answer = app.client().post_json(path, &body).await;
            assert!(
                refused(&answer) == dead() || answer.status == 422,
                "{path} {wrong:?}: {}",
                answer.text
            );
            assert!(!answer.text.contains("AAAA"));
        }
        for wrong in [
            json!(null),
            json!(1),
            json!([token]),
            json!({ "token": token }),
        ] {
            let body = json!({ "token": wrong, "new_password": NEW });
            assert_eq!(
                app.client().post_json(path, &body).await.status,
                422,
                "{path}"
            );
        }
        let body = json!({ "token": token, "new_password": NEW });
        assert_eq!(
            app.client().post_json(path, &body).await.status,
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn sec_091_a_password_that_will_not_do_leaves_the_link_alone() {
    let app = mail_app().await;
    app.verified("adalove").await;
    let token = app.reset_token("adalove").await;
    let long = "x".repeat(2000);
    for password in ["", "short", "password", "adalove-2024", long.as_str()] {
        let answer = app.reset(&token, password).await;
        assert_eq!(
            refused(&answer),
            (422, "validation_error".to_owned()),
            "{password:?}"
        );
        assert_eq!(
            answer.json()["detail"][0]["loc"],
            json!(["body", "new_password"])
        );
    }
    assert_eq!(
        app.confirm("/password/reset-confirm", &token).await.status,
        422
    );
    assert_eq!(app.signed_in("adalove").await.get("/me").await.status, 200);

    assert_eq!(app.reset(&token, NEW).await.status, 200);
    assert_eq!(app.client().login("adalove", NEW).await.status, 200);
}

/// The answer to a bad password must not tell a token that is good from one that is not to whoever has none.
#[tokio::test]
async fn sec_091_a_dead_link_is_dead_whatever_the_password_is() {
    let app = mail_app().await;
    app.verified("ada").await;
    let token = app.reset_token("ada").await;
    assert_eq!(app.reset(&token, NEW).await.status, 200);
    for password in [NEW, "a third fine passphrase", "password"] {
        assert_eq!(refused(&app.reset(&token, password).await), dead());
    }
}

#[tokio::test]
async fn sec_092_a_newer_link_kills_the_older_ones_of_its_kind() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    let first = app.token(MessageKind::VerifyEmail, "ada");
    let reset = app.reset_token("ada").await;
    app.ask("/email/verify-request", "ada").await;
    let second = app.token(MessageKind::VerifyEmail, "ada");
    assert_ne!(first, second);
    let path = "/email/verify-confirm";
    assert_eq!(refused(&app.confirm(path, &first).await), dead());
    assert_eq!(app.confirm(path, &second).await.status, 200);
    assert_eq!(refused(&app.confirm(path, &first).await), dead());

    // The other kind was not touched, and goes by its own.
    let newer = app.reset_token("ada").await;
    assert_eq!(refused(&app.reset(&reset, NEW).await), dead());
    assert_eq!(app.reset(&newer, NEW).await.status, 200);
    assert_eq!(refused(&app.reset(&newer, NEW).await), dead());

    let mut ada = app.client();
    assert_eq!(ada.login("ada", NEW).await.status, 200);
    let ask = async |to: &str| {
        let body = json!({ "new_email": format!("{to}@example.com"), "password": NEW });
        assert_eq!(
            ada.post_json("/email/change-request", &body).await.status,
            200
        );
        app.deliver().await;
        app.token(MessageKind::ChangeEmail, to)
    };
    let (one, two) = (ask("one").await, ask("two").await);
    let path = "/email/change-confirm";
    assert_eq!(refused(&app.confirm(path, &one).await), dead());
    assert_eq!(app.confirm(path, &two).await.status, 200);
    assert_eq!(ada.get("/me").await.json()["email"], "two@example.com");
}

#[tokio::test]
async fn sec_092_a_reset_kills_every_other_link_of_the_account() {
    let app = mail_app().await;
    app.verified("ada").await;
    let ada = app.signed_in("ada").await;
    app.move_to(&ada, "eve").await;
    let change = app.token(MessageKind::ChangeEmail, "eve");
    let reset = app.reset_token("ada").await;
    assert_eq!(app.reset(&reset, NEW).await.status, 200);

    assert_eq!(
        refused(&app.confirm("/email/change-confirm", &change).await),
        dead()
    );
    assert_eq!(
        app.count("SELECT count(*) FROM auth_tokens WHERE used_at IS NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn sec_093_a_reset_signs_nobody_in_and_everybody_out() {
    let app = mail_app().await;
    app.sign_up("ada").await;
    app.verified("bob").await;
    let (one, two) = (app.signed_in("ada").await, app.signed_in("ada").await);
    let bob = app.signed_in("bob").await;
    let token = app.reset_token("ada").await;
    // Even from a browser that is signed in.
    let body = json!({ "token": token, "new_password": NEW });
    let answer = one.post_json("/password/reset-confirm", &body).await;

    assert_eq!(answer.text, r#"{"detail":"Password reset successfully."}"#);
    assert!(answer.set_cookies().is_empty());
    for client in [&one, &two] {
        assert_eq!(client.get("/me").await.status, 401);
    }
    assert_eq!(bob.get("/me").await.status, 200);
    assert_eq!(app.client().login("ada", PASSWORD).await.status, 401);
    let mut ada = app.client();
    assert_eq!(ada.login("ada", NEW).await.status, 200);
    // The mailbox is proven by it.
    assert_eq!(ada.get("/billing").await.status, 200);
}

#[tokio::test]
async fn sec_036_a_reset_lets_the_owner_past_a_lock_that_strangers_made() {
    let app = mail_app().await;
    app.verified("ada").await;
    let stranger = async |password: &str| {
        let mut client = app.client().from(&fresh_address());
        client.login("ada", password).await.status.as_u16()
    };
    for _ in 0..6 {
        stranger("wrong password").await;
    }
    assert_eq!(stranger(PASSWORD).await, 429);
    let token = app.reset_token("ada").await;
    assert_eq!(app.reset(&token, NEW).await.status, 200);
    assert_eq!(stranger(NEW).await, 200);
}

#[tokio::test]
async fn a_disabled_account_has_no_links() {
    let app = mail_app().await;
    for (path, token) in tokens(&app).await {
        let body = json!({ "token": token, "new_password": NEW });
        for active in [false, true] {
            for id in 1..=4 {
                if active {
                    app.auth.users().enable(&id).await.unwrap();
                } else {
                    app.auth.users().disable(&id).await.unwrap();
                }
            }
            let answer = app.client().post_json(path, &body).await;
            // What was asked for before is void for good; only a former address keeps its way back.
            let wanted = if active && path == "/email/change-undo" {
                200
            } else {
                400
            };
            assert_eq!(answer.status.as_u16(), wanted, "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn links_die_with_their_time() {
    use std::time::Duration;
    for (path, hours) in [
        ("/email/verify-confirm", 24),
        ("/password/reset-confirm", 1),
        ("/email/change-confirm", 24),
        ("/email/change-undo", 7 * 24),
    ] {
        for late in [false, true] {
            let app = mail_app().await;
            let tokens = tokens(&app).await;
            let (_, token) = tokens.iter().find(|(of, _)| *of == path).unwrap();
            app.clock.advance(Duration::from_hours(hours));
            if !late {
                app.clock
                    .set(app.clock.now().minus(Duration::from_micros(1)));
            }
            let body = json!({ "token": token, "new_password": NEW });
            let answer = app.client().post_json(path, &body).await;
            let wanted = if late { 400 } else { 200 };
            assert_eq!(answer.status.as_u16(), wanted, "{path}: {}", answer.text);
        }
    }
}
