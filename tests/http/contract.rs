//! Every answer that `SPEC` declares, produced over the real router and compared with the wire contract.

use std::sync::Arc;

use crudauth::mail::MessageKind;
use crudauth_runtime::features::REGISTRY;
use crudauth_runtime::http::spec::{AnswerSpec, RouteSpec};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::contract_oauth;
use crate::sentences::{refusal, speaks_oauth};
use crate::support::{Answer, FORM, JSON, PASSWORD};
use crate::world::{NEW, foreign, sign_up, tokens, without_csrf, without_email, world};

/// What a route answers the `times`-th time.
macro_rules! repeated {
    ($times:expr, $send:expr) => {{
        for _ in 1..$times {
            $send.await;
        }
        $send.await
    }};
}

/// Produces one answer of one route. An answer of `SPEC` without an arm here fails the test.
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "a table, one line for each answer"
)]
async fn produce(route: &str, status: u16, code: &str) -> Answer {
    if route.contains(" /oauth/") {
        return contract_oauth::produce(route, status, code).await;
    }
    let w = match (route, status, code) {
        (_, _, "csrf_disabled") => without_csrf().await,
        // The session's own `/logout` asks for more than where a page comes from.
        ("POST /logout", 403, _) => tokens().await,
        // Where messages go out, `/register` answers what is free and what is taken alike.
        ("POST /register", 200, _) | (_, _, "email_taken" | "field_taken") => without_email().await,
        _ => world().await,
    };
    let listed = w.ada.get("/sessions").await.json();
    let handle = listed[0]["id"].as_str().unwrap_or_default().to_owned();
    match (route, status, code) {
        ("POST /register", 200, "") => {
            w.stranger
                .post_json("/register", &sign_up("bob", None))
                .await
        }
        ("POST /register", 202, "") => {
            w.stranger
                .post_json("/register", &sign_up("bob", None))
                .await
        }
        ("POST /register", 403, "cross_site") => w.foreign("/register", JSON).await,
        ("POST /register", 422, "validation_error") => w.stranger.post("/register").await,
        ("POST /register", 422, "email_taken") => {
            w.stranger
                .post_json(
                    "/register",
                    &json!({ "email": "ada@x.com", "username": "bob", "password": PASSWORD }),
                )
                .await
        }
        ("POST /register", 422, "username_taken") => {
            w.stranger
                .post_json(
                    "/register",
                    &json!({ "email": "bob@x.com", "username": "ada", "password": PASSWORD }),
                )
                .await
        }
        ("POST /register", 422, "field_taken") => {
            w.stranger
                .post_json("/register", &sign_up("bob", Some("555")))
                .await
        }
        ("POST /register", 422, "account_exists") => {
            w.sql("CREATE UNIQUE INDEX of_the_application ON users (lower(phone))")
                .await;
            w.sql("UPDATE users SET phone = 'abc'").await;
            w.stranger
                .post_json("/register", &sign_up("bob", Some("ABC")))
                .await
        }
        ("POST /register", 429, "rate_limited") => {
            repeated!(6, w.stranger.post_json("/register", &sign_up("ada", None)))
        }
        ("GET /me", 200, "") => w.ada.get("/me").await,
        ("GET /me", 401, "not_authenticated") => w.stranger.get("/me").await,
        ("POST /set-password", 200, "") => {
            w.sql("UPDATE users SET password_hash = '!'").await;
            w.set(NEW).await
        }
        ("POST /set-password", 400, "already_has_password") => w.set(NEW).await,
        ("POST /set-password", 401, "not_authenticated") => w.stranger.post("/set-password").await,
        ("POST /set-password", 403, "recent_sign_in_required") => {
            w.sql("UPDATE users SET password_hash = '!'").await;
            w.clock.advance(std::time::Duration::from_mins(10));
            w.set(NEW).await
        }
        ("POST /set-password", 422, "validation_error") => w.ada.post("/set-password").await,
        ("POST /change-password", 200, "") => w.change(PASSWORD, NEW).await,
        ("POST /change-password", 400, "no_password") => {
            w.sql("UPDATE users SET password_hash = '!'").await;
            w.change(PASSWORD, NEW).await
        }
        ("POST /change-password", 401, "not_authenticated") => {
            w.stranger.post("/change-password").await
        }
        ("POST /change-password", 401, "current_password_incorrect") => {
            w.change("wrong", NEW).await
        }
        ("POST /change-password", 422, "validation_error") => w.ada.post("/change-password").await,
        ("POST /change-password", 422, "same_password") => w.change(PASSWORD, PASSWORD).await,
        ("POST /change-password", 429, "rate_limited") => repeated!(6, w.change("wrong", NEW)),
        ("POST /email/verify-request", 200, "") => w.ask("/email/verify-request").await,
        ("POST /email/verify-request", 422, "validation_error") => {
            w.stranger.post("/email/verify-request").await
        }
        ("POST /email/verify-request", 429, "rate_limited") => {
            repeated!(6, w.ask("/email/verify-request"))
        }
        ("POST /email/verify-confirm", 200, "") => {
            let token = w.token(MessageKind::VerifyEmail).await;
            w.confirm("/email/verify-confirm", &token).await
        }
        ("POST /email/verify-confirm", 400, "link_used") => {
            let token = w.token(MessageKind::VerifyEmail).await;
            repeated!(2, w.confirm("/email/verify-confirm", &token))
        }
        ("POST /password/reset-request", 200, "") => w.ask("/password/reset-request").await,
        ("POST /password/reset-request", 422, "validation_error") => {
            w.stranger.post("/password/reset-request").await
        }
        ("POST /password/reset-request", 429, "rate_limited") => {
            repeated!(6, w.ask("/password/reset-request"))
        }
        ("POST /password/reset-confirm", 200, "") => {
            let token = w.reset_token().await;
            w.reset(&token).await
        }
        ("POST /password/reset-confirm", 400, "link_dead") => w.reset("x").await,
        ("POST /password/reset-confirm", 400, "link_used") => {
            let token = w.reset_token().await;
            let former = "SELECT password_hash FROM users";
            let former: String = w.db.query(former).scalar().await;
            assert_eq!(w.reset(&token).await.status, 200);
            // Nothing of ours brings the replaced password back; a copy of the table would.
            w.db.query("UPDATE users SET password_hash = $1")
                .bind(former)
                .execute()
                .await;
            w.reset(&token).await
        }
        ("POST /email/change-request", 200, "") => w.move_to("eve@x.com", PASSWORD).await,
        ("POST /email/change-request", 400, "password_incorrect") => {
            w.move_to("eve@x.com", "wrong").await
        }
        ("POST /email/change-request", 400, "same_email") => w.move_to("ada@x.com", PASSWORD).await,
        ("POST /email/change-request", 401, "not_authenticated") => {
            w.stranger.post("/email/change-request").await
        }
        ("POST /email/change-request", 422, "validation_error") => {
            w.ada.post("/email/change-request").await
        }
        ("POST /email/change-request", 429, "locked_out") => {
            w.move_to("eve@x.com", "wrong").await;
            w.sql("UPDATE auth_attempts SET run = 100").await;
            w.move_to("eve@x.com", PASSWORD).await
        }
        ("POST /email/change-request", 429, "rate_limited") => {
            repeated!(4, w.move_to("eve@x.com", PASSWORD))
        }
        ("POST /email/change-confirm", 200, "") => {
            let token = w.change_token().await;
            w.confirm("/email/change-confirm", &token).await
        }
        ("POST /email/change-confirm", 400, "link_used") => {
            let token = w.change_token().await;
            w.confirm("/email/change-confirm", &token).await;
            w.sql("UPDATE users SET email = 'ada@x.com'").await;
            w.confirm("/email/change-confirm", &token).await
        }
        ("POST /email/change-confirm", 422, "email_in_use") => {
            let token = w.change_token().await;
            let eve = sign_up("eve", None);
            assert_eq!(w.stranger.post_json("/register", &eve).await.status, 202);
            w.confirm("/email/change-confirm", &token).await
        }
        ("POST /email/change-undo", 200, "") => {
            let token = w.undo_token().await;
            w.confirm("/email/change-undo", &token).await
        }
        ("POST /email/change-undo", 400, "link_used") => {
            let token = w.undo_token().await;
            repeated!(2, w.confirm("/email/change-undo", &token))
        }
        ("POST /email/change-undo", 422, "email_in_use") => {
            let token = w.undo_token().await;
            let next = json!({ "email": "ada@x.com", "username": "next", "password": PASSWORD });
            assert_eq!(w.stranger.post_json("/register", &next).await.status, 202);
            w.confirm("/email/change-undo", &token).await
        }
        (
            "POST /email/verify-confirm" | "POST /email/change-confirm" | "POST /email/change-undo",
            400,
            "link_dead",
        ) => w.confirm(&route["POST ".len()..], "x").await,
        (
            "POST /email/verify-confirm"
            | "POST /password/reset-confirm"
            | "POST /email/change-confirm"
            | "POST /email/change-undo",
            422,
            "validation_error",
        ) => w.stranger.post(&route["POST ".len()..]).await,
        ("POST /login", 200, "") => w.stranger.clone().login("ada", PASSWORD).await,
        ("POST /login", 401, "incorrect_credentials") => {
            w.stranger.clone().login("ada", "wrong").await
        }
        ("POST /login", 403, "cross_site_login") => w.foreign("/login", FORM).await,
        ("POST /login", 422, "validation_error") => w.stranger.post("/login").await,
        ("POST /login", 429, "locked_out") => {
            repeated!(6, w.stranger.clone().login("nobody", "wrong"))
        }
        ("POST /logout", 200, "") => w.ada.post("/logout").await,
        ("GET /sessions", 200, "") => w.ada.get("/sessions").await,
        ("GET /sessions", 401, "not_authenticated") => w.stranger.get("/sessions").await,
        ("DELETE /sessions/{id}", 200, "") => w.ada.delete(&format!("/sessions/{handle}")).await,
        ("DELETE /sessions/{id}", 401, "not_authenticated") => {
            w.stranger.delete(&format!("/sessions/{handle}")).await
        }
        ("DELETE /sessions/{id}", 404, "session_not_found") => {
            w.ada.delete(&format!("/sessions/{}", "0".repeat(64))).await
        }
        ("POST /logout-all", 200, "") => w.ada.post("/logout-all?keep_current=true").await,
        ("POST /logout-all", 401, "not_authenticated") => w.stranger.post("/logout-all").await,
        ("POST /logout-all", 422, "validation_error") => {
            w.ada.post("/logout-all?keep_current=perhaps").await
        }
        ("POST /logout-all", 429, "rate_limited") => {
            repeated!(11, w.ada.post("/logout-all?keep_current=true"))
        }
        ("POST /csrf/refresh", 200, "") => w.ada.post("/csrf/refresh").await,
        ("POST /csrf/refresh", 400, "csrf_disabled") => w.ada.post("/csrf/refresh").await,
        ("POST /csrf/refresh", 401, "not_authenticated") => w.stranger.post("/csrf/refresh").await,
        ("POST /csrf/refresh", 429, "rate_limited") => repeated!(31, w.ada.post("/csrf/refresh")),
        ("POST /token", 200, "") => w.grant("ada", PASSWORD).await,
        ("POST /token", 401, "incorrect_credentials") => w.grant("ada", "wrong").await,
        ("POST /token", 403, "cross_site_login") => w.foreign("/token", FORM).await,
        ("POST /token", 422, "validation_error") => w.stranger.post("/token").await,
        ("POST /token", 429, "locked_out") => repeated!(6, w.grant("nobody", "wrong")),
        ("POST /refresh", 200, "") => w.program().await.post("/refresh").await,
        ("POST /refresh", 401, "refresh_token_missing") => w.stranger.post("/refresh").await,
        ("POST /refresh", 401, "refresh_token_invalid") => {
            let mut program = w.program().await;
            program
                .cookies
                .insert("refresh_token".to_owned(), "x".to_owned());
            program.post("/refresh").await
        }
        ("POST /refresh" | "POST /logout", 403, "cross_site") => {
            foreign(&w.program().await, &route["POST ".len()..], FORM).await
        }
        ("POST /token/revoke" | "POST /token/introspect", _, _) => {
            let path = &route["POST ".len()..];
            match code {
                "" => w.ada.post_body(path, FORM, "token=x").await,
                "not_authenticated" => w.stranger.post_body(path, FORM, "token=x").await,
                "invalid_token" => w.under("x", path, "token=x").await,
                _ => w.ada.post(path).await,
            }
        }
        ("GET /.well-known/jwks.json", 200, "") => w.stranger.get("/.well-known/jwks.json").await,
        ("POST /sudo", 200, "") => w.sudo(json!({ "password": PASSWORD })).await,
        ("POST /sudo", 401, "invalid_code") => w.sudo(json!({ "code": "123456" })).await,
        ("POST /sudo", 401, "not_authenticated") => w.stranger.post("/sudo").await,
        ("POST /sudo", 401, "sudo_password_incorrect") => {
            w.sudo(json!({ "password": "wrong" })).await
        }
        ("POST /sudo", 403, "session_gone") => {
            w.end_sessions_at_a_try().await;
            w.sudo(json!({ "password": PASSWORD })).await
        }
        ("POST /sudo", 403, "session_required") => {
            let issued = w.grant("ada", PASSWORD).await.json();
            w.under(issued["access_token"].as_str().unwrap(), "/sudo", "")
                .await
        }
        ("POST /sudo", 422, "validation_error") => w.ada.post("/sudo").await,
        ("POST /sudo", 429, "sudo_locked") => {
            repeated!(3, w.sudo(json!({ "password": "wrong" })))
        }
        _ => panic!("`{route}` declares {status} {code:?}: write here how it comes about"),
    }
}

fn declared() -> impl Iterator<Item = (&'static RouteSpec, &'static AnswerSpec)> {
    REGISTRY
        .iter()
        .flat_map(|feature| feature.routes)
        .flat_map(|route| route.answers.iter().map(move |answer| (route, answer)))
}

/// So many worlds at once, each with a database of its own.
const WORLDS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_declared_answer_is_given_as_the_contract_words_it() {
    let room = Arc::new(Semaphore::new(WORLDS));
    let mut answers = JoinSet::new();
    for (route, wanted) in declared() {
        let room = Arc::clone(&room);
        answers.spawn(async move {
            let _turn = room.acquire().await.unwrap();
            let name = format!("{} {}", route.method, route.path);
            let answer = produce(&name, wanted.status, wanted.code).await;
            is_as_worded(&name, route, wanted, &answer);
        });
    }
    answers.join_all().await;
}

fn is_as_worded(name: &str, route: &RouteSpec, wanted: &AnswerSpec, answer: &Answer) {
    let told = (answer.status.as_u16(), answer.code());
    assert_eq!(
        told,
        (wanted.status, wanted.code.to_owned()),
        "{name}: {}",
        answer.text
    );
    if let Some(body) = refusal(route.path, wanted.code) {
        assert_eq!(answer.text, body, "{name}");
    } else if !wanted.code.is_empty() {
        let issues = answer.json()["detail"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert!(!issues.is_empty(), "{name}: {}", answer.text);
        assert!(
            issues.iter().all(|issue| issue["type"].is_string()
                && issue["loc"].is_array()
                && issue["msg"].is_string()
                && issue.get("input").is_none()),
            "{name}: {}",
            answer.text
        );
        let told = answer.json();
        let error = told.get("error").zip(told.get("error_description"));
        let wanted = (json!("invalid_request"), json!("The request is not valid."));
        let wanted = speaks_oauth(route.path).then_some((&wanted.0, &wanted.1));
        assert_eq!(error, wanted, "{name}");
    }
    headers(name, answer, route);
}

fn headers(name: &str, answer: &Answer, route: &RouteSpec) {
    let (kind, kept) = match (route.path, answer.text.is_empty()) {
        // What is public may be kept for as long as a key is announced before it signs.
        ("/.well-known/jwks.json", _) => (Some("application/jwk-set+json"), "public, max-age=300"),
        (_, true) => (None, "no-store"),
        (_, false) => (Some("application/json"), "no-store"),
    };
    assert_eq!(answer.header("content-type"), kind, "{name}");
    assert_eq!(answer.header("cache-control"), Some(kept), "{name}");
    assert!(answer.header("vary").unwrap().contains("Cookie"), "{name}");
    assert!(answer.header("x-request-id").is_some(), "{name}");
    if answer.status == 429 {
        assert!(
            answer
                .header("retry-after")
                .unwrap()
                .parse::<u64>()
                .unwrap()
                >= 1,
            "{name}"
        );
    }
    let limit = match route.limit {
        Some(
            "register" | "change_password" | "email_verify_request" | "password_reset_request",
        ) => "5",
        Some("email_change_request") => "3",
        Some("logout_all") => "10",
        Some("csrf_refresh" | "oauth_authorize") => "30",
        _ => return assert_eq!(answer.header("x-ratelimit-limit"), None, "{name}"),
    };
    // What was not counted (no credential, a foreign page, a sign-up or a link that is none) has no number to tell.
    let code = answer.code();
    let uncounted = match (route.path, code.as_str()) {
        (_, "cross_site" | "not_authenticated" | "unknown_provider") => true,
        ("/register", code) => code == "validation_error",
        ("/oauth/{provider}/link", code) => !matches!(code, "" | "oauth_failed" | "rate_limited"),
        _ => false,
    };
    if !uncounted {
        assert_eq!(answer.header("x-ratelimit-limit"), Some(limit), "{name}");
        let left: u32 = answer
            .header("x-ratelimit-remaining")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(left == 0, code == "rate_limited", "{name}");
    }
}
