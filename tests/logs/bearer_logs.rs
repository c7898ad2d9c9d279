//! No token in logs, answers or `Debug`, at the most talkative level (SEC-019, SEC-139, SEC-144).

use std::time::Duration;

use axum::http::Method;
use crudauth::jwt::SigningKeys;
use crudauth::routing::{Router, get};
use crudauth::{Principal, require};
use serde_json::json;

use crate::forge::{KEY, claiming, claims_of, keyed, with};
use crate::log;
use crate::support::{self, Answer, Client, PASSWORD, fresh_address};
use crate::tokens;
use crate::tokens::{App, Both, Pair};

/// What was issued, and what was tried.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn pair(&mut self, pair: &Pair) {
        self.0.push(pair.refresh.clone());
        self.access(&pair.access);
    }

    /// A token, and its signature alone: without that it is a description.
    fn access(&mut self, token: &str) {
        self.0.push(token.to_owned());
        self.0.push(token.rsplit('.').next().unwrap().to_owned());
    }

    fn assert_absent(&self, text: &str, place: &str) {
        for secret in &self.0 {
            assert!(!secret.is_empty());
            assert!(
                !text.contains(secret.as_str()),
                "{secret} in {place}:\n{text}"
            );
        }
    }
}

/// Every route with live, dead, foreign and broken tokens. Every answer that issues nothing.
async fn full_run(app: &App, secrets: &mut Secrets) -> Vec<Answer> {
    let mut answers = Vec::new();
    app.register("ada").await;
    let first = app.pair("ada").await;
    secrets.pair(&first);
    let second = Pair::of(&app.refresh(&first.refresh).await);
    secrets.pair(&second);
    let claims = claims_of(&second.access);
    let foreign = claiming(&with(&claims, "sub", "77"));
    let early = claiming(&with(&claims, "iat", claims["iat"].as_i64().unwrap() + 99));
    let tampered = format!("{}A", second.access);
    for token in [&foreign, &early, &tampered] {
        secrets.access(token);
    }
    for token in [&second.access, &second.refresh, &foreign, &early, &tampered] {
        for path in ["/me", "/maybe", "/reports"] {
            answers.push(app.get(path, token).await);
        }
        answers.push(app.client().get(&format!("/me?access_token={token}")).await);
        for asked in [&first.refresh, &second.access, &tampered] {
            let form = format!("token={asked}");
            answers.push(app.post_form("/token/introspect", token, &form).await);
        }
        answers.push(
            app.client()
                .post_json("/token/revoke", &json!({ "token": token }))
                .await,
        );
        let broken = format!("{{\"refresh_token\":\"{token}\",");
        answers.push(
            app.client()
                .post_body("/refresh", support::JSON, broken)
                .await,
        );
        let twice = json!({ "refresh_token": [token] });
        answers.push(app.client().post_json("/refresh", &twice).await);
    }
    for _ in 0..6 {
        let client = app.client().from(&fresh_address());
        answers.push(tokens::token(&client, "ada", "zq-wrong-zq", "&scope=zq").await);
    }
    secrets.0.push("zq-wrong-zq".to_owned());
    secrets.0.push(PASSWORD.to_owned());
    // The spent token comes back, and its family ends: that is logged.
    app.clock.advance(Duration::from_secs(11));
    answers.push(app.refresh(&first.refresh).await);
    for table in ["auth_refresh_tokens", "users"] {
        app.db
            .run(format!("ALTER TABLE {table} RENAME TO gone_{table}"))
            .await;
        answers.push(app.get("/me", &second.access).await);
        answers.push(app.refresh(&second.refresh).await);
        let form = format!("token={}", second.refresh);
        answers.push(app.post_form("/token/revoke", &second.access, &form).await);
        answers.push(app.token("ada", PASSWORD, "").await);
    }
    answers
}

#[tokio::test]
async fn sec_019_sec_144_no_token_reaches_a_log_an_answer_or_debug() {
    let kept = log::keep().await;
    let shown = everything_shown().await;
    let app = keyed().await;
    let mut secrets = Secrets::default();
    secrets.0.push(KEY.to_owned());
    let answers = full_run(&app, &mut secrets).await;
    let log = kept.text();
    assert!(log.contains("a spent refresh token came back"), "{log}");
    secrets.assert_absent(&log, "the log");
    shown.secrets.assert_absent(&log, "the log");
    for answer in answers {
        secrets.assert_absent(&answer.text, "an answer");
        assert!(!answer.text.contains("gone_"), "{}", answer.text);
    }
    shown.secrets.assert_absent(&shown.text, "Debug");
    assert!(shown.text.contains("[redacted]"), "{}", shown.text);
}

#[require]
async fn show(user: Principal<Both>) -> String {
    format!("{user:?} {:?}", user.user())
}

struct Shown {
    text: String,
    secrets: Secrets,
}

/// `Debug` of everything public that has to do with tokens.
async fn everything_shown() -> Shown {
    let app = keyed().await;
    app.register("ada").await;
    let pair = app.pair("ada").await;
    let mut secrets = Secrets::default();
    secrets.pair(&pair);
    secrets.0.push(KEY.to_owned());
    let router = Router::new()
        .route("/show", get(show))
        .with_state(app.auth.clone())
        .into_axum();
    let client = Client::new(router);
    let answer = tokens::send(&client, Method::GET, "/show", &pair.access, None).await;
    assert_eq!(answer.status, 200);
    let mut text = answer.text.clone();
    let renewed = app
        .auth
        .tokens()
        .refresh(&pair.refresh)
        .await
        .unwrap()
        .unwrap();
    secrets.pair(&Pair {
        access: renewed.access.expose().to_owned(),
        refresh: renewed.refresh.as_ref().unwrap().0.expose().to_owned(),
    });
    let keys = SigningKeys::hs256(KEY).unwrap().kid("named").unwrap();
    let tokens = app.auth.tokens();
    text = format!("{text} {:?} {tokens:?} {renewed:?} {keys:?}", app.auth);
    app.auth.tokens().replace_keys(keys).unwrap();
    Shown { text, secrets }
}
