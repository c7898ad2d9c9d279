//! Nothing that recovery is about reaches a log, at the most talkative level: no link, no password, no address.

use axum::body::Body;
use axum::http::Method;
use crudauth::mail::MessageKind;
use serde_json::{Value, json};

use crate::log;
use crate::mailed;
use crate::mailed::{MailApp, MailAuth, mail_app};
use crate::support::{self, Answer, FORM, JSON, encode, fresh_address};

const FIRST: &str = "zq-first-password-zq";
const SECOND: &str = "zq-second-password-zq";
const WRONG: &str = "zq-wrong-password-zq";
const FORGED: &str = "zq-forged-token-zq\r\nERROR crudauth: all is lost";

/// Every route of recovery, with right and wrong input, with mailers that fail, and with a broken database. Every answer.
async fn full_run(app: &MailApp<MailAuth>) -> Vec<Answer> {
    let mut answers = Vec::new();
    let post = async |path: &str, body: Value| {
        let client = app.client().from(&fresh_address());
        let answer = client.post_json(path, &body).await;
        app.deliver().await;
        answer
    };
    let address = json!({ "email": "zqname@example.com", "redirect_to": "/zq-redirect-zq" });
    let sign_up = json!({ "email": "zqname@example.com", "username": "zqname", "password": FIRST });
    answers.push(post("/register", sign_up.clone()).await);
    answers.push(
        post(
            "/register",
            json!({ "email": "zqname@example.com", "username": "zqother", "password": SECOND }),
        )
        .await,
    );
    let token = app.token(MessageKind::VerifyEmail, "zqname");
    for token in [FORGED, &token, &token] {
        answers.push(post("/email/verify-confirm", json!({ "token": token })).await);
    }
    answers.push(post("/password/reset-request", address.clone()).await);
    let token = app.token(MessageKind::ResetPassword, "zqname");
    for (token, password) in [
        (FORGED, SECOND),
        (&token, "zq-"),
        (&token, SECOND),
        (&token, SECOND),
    ] {
        answers.push(
            post(
                "/password/reset-confirm",
                json!({ "token": token, "new_password": password }),
            )
            .await,
        );
    }
    let mut client = app.client();
    answers.push(client.login("zqname", SECOND).await);
    for (to, password) in [("zqnew", WRONG), ("zqname", SECOND), ("zqnew", SECOND)] {
        let body = json!({ "new_email": format!("{to}@example.com"), "password": password });
        answers.push(client.post_json("/email/change-request", &body).await);
        app.deliver().await;
    }
    let token = app.token(MessageKind::ChangeEmail, "zqnew");
    answers.push(post("/email/change-confirm", json!({ "token": token })).await);
    let token = app.token(MessageKind::EmailChanged, "zqname");
    answers.push(post("/email/change-undo", json!({ "token": token })).await);
    // What a scanner or a mistaken frontend sends: the token in the URL.
    let in_query = format!("/email/verify-confirm?token={token}");
    answers.push(app.client().get(&in_query).await);
    answers.push(
        app.client()
            .post_json(&in_query, &json!({ "token": token }))
            .await,
    );
    answers.extend(malformed(app).await);
    app.mail.fail_temporarily();
    answers.push(post("/password/reset-request", address.clone()).await);
    app.mail.fail_permanently();
    app.clock.advance(std::time::Duration::from_hours(1));
    answers.push(post("/password/reset-request", address.clone()).await);
    app.mail.deliver();
    for table in ["auth_tokens", "auth_outbox", "auth_limits", "users"] {
        app.db
            .run(format!("ALTER TABLE {table} RENAME TO gone_{table}"))
            .await;
        let client = app.client().from(&fresh_address());
        answers.push(client.post_json("/password/reset-request", &address).await);
        answers.push(client.post_json("/register", &sign_up).await);
        for path in [
            "/email/verify-confirm",
            "/password/reset-confirm",
            "/email/change-undo",
        ] {
            let body = json!({ "token": token, "new_password": FIRST });
            answers.push(client.post_json(path, &body).await);
        }
        let _ = app.auth.run_due().await; // what the worker says of it is logged, too
    }
    answers
}

/// Secrets in every field of every route, in every form that is not theirs.
async fn malformed(app: &MailApp<MailAuth>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for path in [
        "/email/verify-request",
        "/email/verify-confirm",
        "/password/reset-request",
        "/password/reset-confirm",
        "/email/change-request",
        "/email/change-confirm",
        "/email/change-undo",
    ] {
        for secret in [
            json!(FIRST),
            json!([FIRST]),
            json!({ "a": SECOND }),
            json!({ SECOND: FIRST }),
        ] {
            let client = app.client().from(&fresh_address());
            let body = json!({
                "email": secret, "token": secret, "new_password": secret, "new_email": secret,
                "password": secret, "redirect_to": secret, "phone": secret,
            });
            answers.push(client.post_json(path, &body).await);
            answers.push(client.post_json(path, &secret).await);
            let broken = format!("{{\"token\":{secret}, \"email\":");
            answers.push(client.post_body(path, JSON, broken.clone()).await);
            answers.push(client.post_body(path, "text/plain", broken).await);
            answers.push(
                client
                    .post_body(path, FORM, format!("token={}", encode(FIRST)))
                    .await,
            );
        }
        let request = app
            .client()
            .request(Method::POST, &format!("{path}?password={}", encode(FIRST)));
        answers.push(
            app.client()
                .send(request.body(Body::empty()).unwrap())
                .await,
        );
    }
    answers
}

#[tokio::test]
async fn sec_019_sec_098_no_token_or_secret_of_recovery_is_logged_or_echoed() {
    let kept = log::keep().await;
    let app = mail_app().await;
    let answers = full_run(&app).await;
    let log = kept.text();

    assert!(
        log.contains("sqlx::query") && log.contains("ERROR"),
        "the log is really seen"
    );
    assert!(log.contains("a message is dropped"));
    let mut secrets: Vec<String> = [
        FIRST,
        SECOND,
        WRONG,
        "zq-forged",
        "all is lost",
        support::SECRET,
    ]
    .map(str::to_owned)
    .to_vec();
    let tokens: Vec<_> = app
        .mail
        .messages()
        .iter()
        .filter(|message| message.context.link.is_some())
        .map(mailed::token_of)
        .collect();
    assert!(tokens.len() >= 4, "{}", tokens.len());
    for token in &tokens {
        // Its second half is the secret; the first names the row.
        secrets.extend([token.clone(), token[24..].to_owned()]);
    }
    for personal in ["zqname@", "zqnew@", "$argon2id$", "zq-redirect-zq"] {
        secrets.push(personal.to_owned());
    }
    for secret in &secrets {
        let line = log.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(line, None, "{secret:?} is in the log");
    }
    assert!(!log.contains('\r'), "control characters are escaped");
    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert!(
        [200, 202, 400, 405, 422, 500]
            .iter()
            .all(|status| statuses.contains(status)),
        "{statuses:?}"
    );
    for answer in &answers {
        let told = format!("{} {:?}", answer.text, answer.headers);
        for secret in secrets.iter().filter(|secret| *secret != "zq-redirect-zq") {
            assert!(
                !told.contains(secret.as_str()),
                "{secret:?} is echoed: {told}"
            );
        }
    }
}
